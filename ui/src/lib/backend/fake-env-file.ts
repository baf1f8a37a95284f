/** The `.env` file of the fake: names and reasons as the core has them, for the commonest lines. */
import { asIpcError } from './backend';
import type { EnvFileView, EnvLeftView, EnvPurpose, EnvSignInView, EnvTakenView, LineSignIn } from './bindings';

const LARGEST = 256 << 10;
/** What a name is for, where, and whether its value is secret. */
const NAMES: Readonly<Record<string, readonly [what: string, purpose: EnvPurpose, secret: boolean]>> = {
  LIVEKIT_URL: ['address of the LiveKit project', 'account', false],
  LIVEKIT_API_KEY: ['API key of the LiveKit project', 'account', false],
  LIVEKIT_API_SECRET: ['API secret of the LiveKit project', 'account', true],
  LIVEKIT_SIP_URI: ['SIP address of the LiveKit project', 'line', false],
  TWILIO_ACCOUNT_SID: ['Twilio account', 'line', false],
  TWILIO_AUTH_TOKEN: ['Twilio auth token', 'line', true],
  TWILIO_PHONE_NUMBER: ['caller ID', 'line', false],
  TELNYX_API_KEY: ['Telnyx API key', 'line', true],
};
const bad = (message: string) => asIpcError({ code: 'env', message });

export class FakeEnvFile {
  #values = new Map<string, string>();

  read(bytes: Uint8Array, purpose: EnvPurpose): EnvFileView {
    this.forget();
    if (bytes.length > LARGEST) throw bad('This file is larger than 256 KB, so it is no .env file. Choose the file named .env of your application.');
    const text = new TextDecoder().decode(bytes);
    if (/[\0\uFFFD]/.test(text)) throw bad('This file is not text in UTF-8. Save it as UTF-8, then import it again.');
    const lines = text.split(/\r\n|\r|\n/).filter((line) => /^\s*[^#\s]/.test(line));
    const pairs = lines.flatMap((line) => {
      const [, name = '', value = ''] = /^\s*(?:export\s+)?(\w+)\s*=\s*["']?(.*?)["']?\s*$/.exec(line) ?? [];
      return name ? [[name, value] as const] : [];
    });
    if (lines.length > 0 && pairs.length === 0)
      throw bad('This is no .env file: its lines are not NAME=value. Choose the file named .env of your application.');
    const left: EnvLeftView[] = [];
    for (const [name, value] of pairs) {
      const leave = (why: string, is_refused = false) => left.push({ name, why, is_refused });
      const known = NAMES[name];
      if (name.includes('SERVICE_ROLE'))
        leave('a service-role key opens the whole database, so Deskline refuses to keep it; take it out of files that leave the server', true);
      else if (value === '') leave('it is empty');
      else if (!known) leave('Deskline has no use for it');
      else if (known[1] !== purpose)
        leave(purpose === 'line' ? 'it is for signing in to LiveKit, under Settings, Connection' : 'it is for a line: choose this file again under Lines, Add a line');
      else {
        if (this.#values.has(name)) leave(`${name} further down sets the same`);
        this.#values.set(name, value);
      }
    }
    const taken = [...this.#values].map(([name, value]): EnvTakenView => {
      const [what, , secret] = NAMES[name] ?? ['', 'line', true];
      return { name, what, value: secret ? null : value, note: left.some((one) => one.name === name) ? `instead of an earlier ${name}: the last one counts` : '' };
    });
    const of = (name: string) => this.#values.get(name) ?? '';
    const missing = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'].find((name) => of(name) === '');
    const refusal =
      purpose === 'line'
        ? taken.length > 0
          ? ''
          : 'Nothing in it is for a line: no sign-in at Twilio, Telnyx or SignalWire, no SIP address, no number. Choose the .env file of the application that used the line before, or type the sign-in.'
        : missing
          ? `There is no ${missing} in this text. Copy all three lines from your LiveKit project: address, key and secret.`
          : '';
    const sign_ins: EnvSignInView[] = [
      { provider: 'twilio', account: of('TWILIO_ACCOUNT_SID'), key: '', has_secret: of('TWILIO_AUTH_TOKEN') !== '' },
      { provider: 'telnyx', account: '', key: '', has_secret: of('TELNYX_API_KEY') !== '' },
    ].filter(({ account, has_secret }) => has_secret || account !== '');
    return {
      taken,
      left: left.sort((a, b) => Number(b.is_refused) - Number(a.is_refused)),
      left_more: 0,
      sign_ins,
      sip: of('LIVEKIT_SIP_URI'),
      number: of('TWILIO_PHONE_NUMBER'),
      refusal,
    };
  }

  /** What signing in to the project needs. */
  project(): { url: string; key: string; secret: string } {
    const [url, key, secret] = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'].map((name) => this.#values.get(name) ?? '');
    if (!url || !key || !secret) throw bad('No .env file waits to be used. Choose it again.');
    return { url, key, secret };
  }

  /** A sign-in whose secret was left open, with that of the file. */
  completed(provider: string, typed: LineSignIn): LineSignIn {
    const name = provider === 'twilio' && typed.account.trim() === this.#values.get('TWILIO_ACCOUNT_SID') ? 'TWILIO_AUTH_TOKEN' : 'TELNYX_API_KEY';
    const fits = name === 'TWILIO_AUTH_TOKEN' || provider === 'telnyx';
    return typed.secret === '' && fits ? { ...typed, secret: this.#values.get(name) ?? '' } : typed;
  }

  forget(): void {
    this.#values.clear();
  }
}
