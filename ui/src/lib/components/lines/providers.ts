import type { LineAsked } from '../../backend/backend';
import type { MessageKey } from '../../words';

export type ProviderWord = 'twilio' | 'telnyx' | 'livekit' | 'other';

/** Who a number can come from. Names are the providers' own and are not translated, but for the last. */
export const PROVIDERS: readonly { word: ProviderWord; mark: string; name: MessageKey; text: MessageKey }[] = [
  { word: 'twilio', mark: 'Tw', name: 'addLine.twilio', text: 'addLine.twilioText' },
  { word: 'telnyx', mark: 'Te', name: 'addLine.telnyx', text: 'addLine.telnyxText' },
  { word: 'livekit', mark: 'LK', name: 'addLine.livekit', text: 'addLine.livekitText' },
  { word: 'other', mark: '…', name: 'addLine.other', text: 'addLine.otherText' },
];

/** Nothing typed yet. */
export const nothing = (): LineAsked => ({
  provider: 'twilio',
  name: '',
  numbers: [],
  sip: '',
  sign_in: { account: '', key: '', secret: '' },
  host: '',
  user: '',
  password: '',
  transport: 'auto',
  secure: false,
  pin: '',
});
