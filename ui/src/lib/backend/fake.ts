/**
 * A phone that lives in the page: it speaks the same messages as the core, so the real windows can
 * be looked at and tested in any browser. The far end acts by the last two digits of the number
 * (`behaviourOf`), and a scene (`?fake=reconnecting`) starts it in a state worth looking at.
 */
import type { Backend, Unsubscribe } from './backend';
import type {
  AccountView,
  CallState,
  CallView,
  DevicesView,
  HistoryPage,
  HistoryRow,
  IpcError,
  LineState,
  NoticeView,
  PhoneView,
} from './bindings';
import {
  ACCOUNT,
  behaviourOf,
  DEVICES,
  endOf,
  LINES,
  NAMES,
  pastCalls,
  row,
  shown,
  type FakeReason,
} from './fake-data';

const STATE_WORDS: Readonly<Record<CallState, string>> = {
  preparing: 'Preparing',
  joining: 'Connecting',
  dialling: 'Dialling',
  remote_ringing: 'Ringing',
  offered: 'Incoming call',
  claiming: 'Answering',
  answering: 'Answering',
  live: 'In call',
  ending: 'Ending',
  ended: 'Ended',
};

/** How long the fake takes between two states. Tests pass 0 for no wait but a turn of the loop. */
const STEP_MS = 700;

export class FakePhone implements Backend {
  #rev = 0;
  #line: LineState = 'ready';
  #calls: CallView[] = [];
  #notice: NoticeView | null = null;
  #rows: HistoryRow[] = pastCalls(Date.now());
  #account: AccountView = ACCOUNT;
  #devices: DevicesView = DEVICES;
  #nextTryAtMs: number | null = null;
  #nextId = 1;
  #historyRefusal: IpcError | null = null;
  readonly #stepMs: number;
  readonly #phoneListeners = new Set<(view: PhoneView) => void>();
  readonly #historyListeners = new Set<() => void>();
  readonly #devicesListeners = new Set<() => void>();

  constructor(scene = '', stepMs = STEP_MS) {
    this.#stepMs = stepMs;
    this.#start(scene);
  }

  async snapshot(): Promise<PhoneView> {
    return this.#view();
  }

  async painted(): Promise<void> {}

  async dial(number: string): Promise<void> {
    const plain = number.replace(/[^0-9+*#a-z]/gi, '');
    if (this.#underWay()) return this.#say('busy_here', 'You are in a call. End it before you call someone else.');
    if (!/^\+?\d{3,15}$/.test(plain)) {
      return this.#say(
        'bad_number',
        number === ''
          ? 'Type a number first.'
          : `${number} is not a phone number. Use digits only, with + for other countries.`,
      );
    }
    if (this.#line !== 'ready') return this.#say('no_line', LINES[this.#line].words);
    const full = plain.startsWith('+') ? plain : `+1${plain.slice(-10)}`;
    this.#notice = null;
    void this.#place(this.#open('outbound', full, 'preparing').id, behaviourOf(full));
  }

  async answer(id: string): Promise<void> {
    this.#change(id, { state: 'claiming' });
    void this.#connect(id);
  }

  async decline(id: string): Promise<void> {
    this.#end(id, 'declined_here');
  }

  async silence(id: string): Promise<void> {
    this.#change(id, { silenced: true });
  }

  async hangUp(id: string): Promise<void> {
    const answered = this.#find(id)?.answered_at_ms != null;
    this.#change(id, { state: 'ending' });
    void this.#drop(id, answered);
  }

  async setMuted(id: string, muted: boolean): Promise<void> {
    this.#change(id, { muted, words: muted ? 'Your microphone is off' : STATE_WORDS.live });
  }

  async sendKeys(id: string, keys: string): Promise<void> {
    this.#change(id, { keys_sent: (this.#find(id)?.keys_sent ?? '') + keys });
  }

  async dismiss(id: string): Promise<void> {
    this.#calls = this.#calls.filter((call) => call.id !== id || call.state !== 'ended');
    this.#publish();
  }

  async dismissNotice(id: number): Promise<void> {
    if (this.#notice?.id === id) this.#notice = null;
    this.#publish();
  }

  async retryLine(): Promise<void> {
    this.#nextTryAtMs = null;
    this.#setLine('connecting');
    await this.#wait();
    this.#setLine(this.#account.has_secret ? 'ready' : 'signed_out');
  }

  async historyPage(cursor: string | null, limit: number): Promise<HistoryPage> {
    if (this.#historyRefusal) throw this.#historyRefusal;
    const from = cursor === null ? 0 : Number(cursor);
    const to = from + limit;
    return { rows: this.#rows.slice(from, to), next: to < this.#rows.length ? String(to) : null };
  }

  async accountShow(): Promise<AccountView> {
    return this.#account;
  }

  async accountSet(url: string, key: string, secret: string | null): Promise<AccountView> {
    if (!/^wss?:\/\/./.test(url))
      throw {
        code: 'bad_url',
        message: 'The address starts with wss:// and names your LiveKit project.',
      } satisfies IpcError;
    if (!key || (!secret && !this.#account.has_secret))
      throw { code: 'no_secret', message: 'Fill in the key and the secret of the project.' } satisfies IpcError;
    this.#account = { ...ACCOUNT, url, key };
    void this.retryLine();
    return this.#account;
  }

  async accountForget(): Promise<AccountView> {
    this.#account = { ...ACCOUNT, url: '', key: '', has_secret: false, words: 'No secret is stored.' };
    this.#setLine('signed_out');
    return this.#account;
  }

  async devices(): Promise<DevicesView> {
    return this.#devices;
  }

  onPhoneChanged(listener: (view: PhoneView) => void): Promise<Unsubscribe> {
    return subscribe(this.#phoneListeners, listener);
  }
  onHistoryChanged(listener: () => void): Promise<Unsubscribe> {
    return subscribe(this.#historyListeners, listener);
  }
  onDevicesChanged(listener: () => void): Promise<Unsubscribe> {
    return subscribe(this.#devicesListeners, listener);
  }

  // ---- The far end, for tests and the console: `fakePhone.ring('+13125550142')`

  /** A call comes in. Returns its id. */
  ring(number = '+13125550142', change: Partial<CallView> = {}): string {
    const call = this.#open('inbound', number, 'offered');
    this.#change(call.id, change);
    return call.id;
  }

  /** The far end hangs up: missed while it rings, else the end of the call. */
  farEndHangsUp(id: string): void {
    this.#end(id, this.#find(id)?.state === 'offered' ? 'missed' : 'hung_up_there');
  }

  /** Sets any fact of a call, as the network might. */
  change(id: string, change: Partial<CallView>): void {
    this.#change(id, change);
  }

  /** The core has something to say. */
  notify(text: string): void {
    this.#say('fake', text);
  }

  unplug(): void {
    this.#devices = {
      microphone: null,
      speaker: null,
      microphones: [],
      speakers: [],
      words: 'No microphone and no speaker were found. Connect a headset.',
    };
    for (const listener of this.#devicesListeners) listener();
  }

  // ---- Inside

  #start(scene: string): void {
    const live = (change: Partial<CallView> = {}, number = '+13125550142') => {
      const at = Date.now() - 252_000;
      const id = this.ring(number);
      this.#change(id, { state: 'live', started_at_ms: at - 9_000, answered_at_ms: at, ...change });
      return id;
    };
    const scenes: Readonly<Record<string, () => void>> = {
      ringing: () => void this.ring(),
      'ringing-only-desk': () => void this.ring('+16465550198', { only_desk: true }),
      'ringing-long': () => void this.ring('+13125550148', { silenced: true }),
      'ringing-private': () => void this.ring('', { number_shown: 'Private number' }),
      'ringing-two': () => {
        this.ring('+13125550148');
        this.ring('+14155550155');
      },
      claiming: () => void this.ring('+13125550142', { state: 'claiming' }),
      dialling: () => void this.#open('outbound', '+16465550171', 'remote_ringing'),
      live: () => void live(),
      muted: () => void live({ muted: true, words: 'Your microphone is off', keys_sent: '12#', keys_received: '4' }),
      reconnecting: () => void live({ reconnecting: true, words: 'Reconnecting' }),
      'live-ringing': () => {
        live();
        this.ring('+16465550171');
      },
      busy: () => this.#end(this.#open('outbound', '+12125550101', 'dialling').id, 'busy'),
      talked: () => this.#end(live(), 'hung_up_there'),
      missed: () => this.#end(this.ring('+16465550198'), 'missed'),
      notice: () =>
        this.#say('bad_number', '0800-FLOWERS is not a phone number. Use digits only, with + for other countries.'),
      empty: () => void (this.#rows = []),
      'history-refused': () => {
        this.#rows = [];
        this.#historyRefusal = {
          code: 'history',
          message: 'The profile folder cannot be read. Check its permissions, then try again.',
        };
      },
      offline: () => {
        this.#nextTryAtMs = Date.now() + 12_000;
        this.#setLine('unreachable');
      },
      refused: () => this.#setLine('refused'),
      locked: () => {
        this.#account = { ...ACCOUNT, keychain: 'locked', words: 'The keychain is locked. Unlock it, then try again.' };
        this.#setLine('locked');
      },
      broken: () => this.#setLine('broken'),
      'no-trunk': () => this.#setLine('no_trunk'),
      'signed-out': () => void this.accountForget(),
      'no-devices': () => this.unplug(),
    };
    scenes[scene]?.();
  }

  #open(direction: CallView['direction'], number: string, state: CallState): CallView {
    const call: CallView = {
      id: `fake-${this.#nextId++}`,
      direction,
      number,
      number_shown: shown(number),
      name: NAMES[number] ?? null,
      line: 'Main line',
      state,
      words: STATE_WORDS[state],
      started_at_ms: Date.now(),
      answered_at_ms: null,
      ended_at_ms: null,
      muted: false,
      reconnecting: false,
      silenced: false,
      only_desk: false,
      keys_sent: '',
      keys_received: '',
      end: null,
    };
    this.#calls = [...this.#calls.filter((one) => one.state !== 'ended'), call];
    this.#publish();
    return call;
  }

  async #place(id: string, behaviour: ReturnType<typeof behaviourOf>): Promise<void> {
    for (const state of ['joining', 'dialling', 'remote_ringing'] as const) {
      if (!(await this.#step(id))) return;
      this.#change(id, { state });
    }
    if (behaviour === 'rings' || !(await this.#step(id))) return;
    if (behaviour === 'answers') this.#change(id, { state: 'live', answered_at_ms: Date.now() });
    else this.#end(id, behaviour);
  }

  async #connect(id: string): Promise<void> {
    if (!(await this.#step(id))) return;
    this.#change(id, { state: 'answering' });
    if (!(await this.#step(id))) return;
    this.#change(id, { state: 'live', answered_at_ms: Date.now() });
  }

  async #drop(id: string, answered: boolean): Promise<void> {
    if (await this.#step(id)) this.#end(id, answered ? 'hung_up_here' : 'cancelled');
  }

  #change(id: string, change: Partial<CallView>): void {
    const words = change.state ? { words: STATE_WORDS[change.state] } : {};
    this.#calls = this.#calls.map((call) => (call.id === id ? { ...call, ...words, ...change } : call));
    this.#publish();
  }

  #end(id: string, reason: FakeReason): void {
    const call = this.#find(id);
    if (!call || call.state === 'ended') return;
    this.#change(id, {
      state: 'ended',
      ended_at_ms: Date.now(),
      muted: false,
      reconnecting: false,
      end: endOf(reason),
    });
    const ended = this.#find(id);
    if (ended) this.#rows = [row(ended), ...this.#rows];
    for (const listener of this.#historyListeners) listener();
  }

  #say(code: string, text: string): void {
    this.#notice = { id: this.#nextId++, code, text };
    this.#publish();
  }

  #setLine(state: LineState): void {
    this.#line = state;
    this.#publish();
  }

  #find(id: string): CallView | undefined {
    return this.#calls.find((call) => call.id === id);
  }

  #underWay(): boolean {
    return this.#calls.some((call) => call.state !== 'ended' && call.state !== 'offered');
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#stepMs));
  }

  /** Waits one step. False when the call moved on by itself meanwhile. */
  async #step(id: string): Promise<boolean> {
    const before = this.#find(id)?.state;
    await this.#wait();
    return this.#find(id)?.state === before && before !== 'ended';
  }

  #view(): PhoneView {
    const named = this.#line !== 'signed_out' && this.#line !== 'no_trunk';
    return {
      rev: this.#rev,
      line: {
        state: this.#line,
        ...LINES[this.#line],
        name: named ? 'Main line' : null,
        number: named ? '+12125550100' : null,
        number_shown: named ? '(212) 555-0100' : null,
        next_try_at_ms: this.#line === 'unreachable' ? this.#nextTryAtMs : null,
      },
      calls: this.#calls,
      notice: this.#notice,
    };
  }

  #publish(): void {
    this.#rev += 1;
    const view = this.#view();
    for (const listener of this.#phoneListeners) listener(view);
  }
}

async function subscribe<T>(listeners: Set<T>, listener: T): Promise<Unsubscribe> {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
