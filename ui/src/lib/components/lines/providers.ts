import type { LineAsked, LineSignIn } from '../../backend/backend';
import type { MessageKey } from '../../words';

export type ProviderWord = 'twilio' | 'telnyx' | 'signalwire' | 'livekit' | 'other';

/** Who a number can come from. Names are the providers' own and are not translated, but for the last. */
export const PROVIDERS: readonly { word: ProviderWord; mark: string; name: MessageKey; text: MessageKey }[] = [
  { word: 'twilio', mark: 'Tw', name: 'addLine.twilio', text: 'addLine.twilioText' },
  { word: 'telnyx', mark: 'Te', name: 'addLine.telnyx', text: 'addLine.telnyxText' },
  { word: 'signalwire', mark: 'Si', name: 'addLine.signalwire', text: 'addLine.signalwireText' },
  { word: 'livekit', mark: 'LK', name: 'addLine.livekit', text: 'addLine.livekitText' },
  { word: 'other', mark: '', name: 'addLine.other', text: 'addLine.otherText' },
];

/** Nothing typed yet. */
export const nothing = (): LineAsked => ({
  provider: 'twilio',
  name: '',
  numbers: [],
  sip: '',
  sign_in: { account: '', key: '', secret: '' },
  host: '',
  handler: '',
  user: '',
  password: '',
  transport: 'auto',
  secure: false,
  pin: '',
});

/** The fields of a sign-in, as far as the account is known. SignalWire keeps space and project as one. */
export function signInOf(provider: string | null, account: string): LineSignIn {
  const [space = '', project = ''] = account.split('/');
  return provider === 'signalwire' ? { account: space, key: project, secret: '' } : { account, key: '', secret: '' };
}
