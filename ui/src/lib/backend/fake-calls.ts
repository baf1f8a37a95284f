/**
 * The calls of the fake phone and what the far end does to them. It keeps the promises the windows
 * rely on, at most one call that is neither held nor over among them, and stands in for no rule beyond.
 */
import type { CallState, CallView, NoticeView, OtherCall, PersonView } from './bindings';
import { behaviourOf, endOf, NAMES, shown, STATE_WORDS, type FakeReason } from './fake-data';

/** What `FakeCalls` tells the phone around it. */
export interface Around {
  changed(): void;
  ended(call: CallView): void;
}

/** Whom the core would say that rings: who is being answered, who rings, who was silenced, who waits quietly. */
export function foremost(calls: readonly CallView[]): string | null {
  const rank = (call: CallView) =>
    call.state === 'claiming' ? 0 : call.state !== 'offered' ? 4 : call.quiet ? 3 : call.silenced ? 2 : 1;
  const waiting = calls.filter((call) => rank(call) < 4).sort((a, b) => rank(a) - rank(b));
  return waiting[0]?.id ?? null;
}

export class FakeCalls {
  all: readonly CallView[] = [];
  notice: NoticeView | null = null;
  #nextId = 1;
  readonly #stepMs: number;
  readonly #around: Around;

  constructor(stepMs: number, around: Around) {
    this.#stepMs = stepMs;
    this.#around = around;
  }

  // ---- What this desk asks for

  dial(number: string): void {
    if (this.#talked() !== undefined)
      return this.say('already_in_call', 'You are already in a call. Hold it or end it first.');
    const full = this.#number(number);
    if (full === null) return;
    this.notice = null;
    void this.#place(this.open('outbound', full, 'preparing').id, behaviourOf(full));
  }

  answer(id: string, other: OtherCall): void {
    const talked = this.#talked();
    if (talked && other === 'hold') this.#hold(talked.id);
    if (talked && other === 'end') this.end(talked.id, 'hung_up_here');
    this.change(id, { state: 'claiming' });
    void this.#connect(id);
  }

  hangUp(id: string): void {
    const answered = this.find(id)?.answered_at_ms != null;
    this.change(id, { state: 'ending' });
    void this.#drop(id, answered);
  }

  setMuted(id: string, muted: boolean): void {
    this.change(id, { muted, words: muted ? 'Your microphone is off' : STATE_WORDS.live });
  }

  setHeld(id: string, held: boolean): void {
    if (held) this.#hold(id);
    else this.#talkOn(id);
  }

  transfer(id: string, to: string): void {
    const number = this.#number(to);
    if (number === null) return;
    const asked = { to: NAMES[number] ?? shown(number), words: null };
    this.change(id, { transfer: { ...asked, state: 'asked' }, can_transfer: false });
    void this.#refer(id, asked.to, behaviourOf(number));
  }

  addPerson(id: string, typed: string, alone: boolean): void {
    const number = this.#number(typed);
    const call = this.find(id);
    if (number === null || !call) return;
    const leg = `leg-${this.#nextId++}`;
    const other: PersonView = {
      leg,
      number,
      number_shown: shown(number),
      name: NAMES[number] ?? null,
      contact: null,
      state: 'dialling',
      end: null,
    };
    const here = (call.people.length > 0 ? call.people : [farEnd(call)]).filter((one) => one.state !== 'gone');
    const people = [...here.map((one) => (alone ? { ...one, state: 'waiting' as const } : one)), other];
    this.change(id, { people, private_with: alone ? leg : null, can_transfer: false });
    void this.#placePerson(id, leg, behaviourOf(number));
  }

  merge(id: string): void {
    const people = this.find(id)?.people.map((one) =>
      one.state === 'waiting' ? { ...one, state: 'up' as const } : one,
    );
    this.change(id, { people: people ?? [], private_with: null });
  }

  talkPrivately(id: string, leg: string): void {
    const people = this.find(id)?.people.map((one): PersonView => {
      if (one.leg === leg) return { ...one, state: 'up' };
      return one.state === 'up' ? { ...one, state: 'waiting' } : one;
    });
    this.change(id, { people: people ?? [], private_with: leg });
  }

  handOver(id: string): void {
    this.merge(id);
    this.change(id, { state: 'handed_over', held: false, can_transfer: false });
  }

  dropPerson(id: string, leg: string): void {
    this.#personGone(id, leg, 'hung_up_here');
    const call = this.find(id);
    if (call && call.people.every((one) => one.state === 'gone')) this.end(id, 'hung_up_here');
  }

  rejoin(id: string): void {
    this.change(id, { state: 'joining', can_rejoin: false });
    void this.#comeBack(id);
  }

  sendKeys(id: string, keys: string): void {
    this.change(id, { keys_sent: (this.find(id)?.keys_sent ?? '') + keys });
  }

  dismiss(id: string): void {
    this.all = this.all.filter((call) => call.id !== id || call.state !== 'ended');
    this.#around.changed();
  }

  dismissNotice(id: number): void {
    if (this.notice?.id === id) this.notice = null;
    this.#around.changed();
  }

  // ---- What happens to this desk

  open(direction: CallView['direction'], number: string, state: CallState): CallView {
    const call: CallView = {
      id: `fake-${this.#nextId++}`,
      direction,
      number,
      number_shown: shown(number),
      name: NAMES[number] ?? null,
      contact: null,
      line: 'Main line',
      refusals: [],
      state,
      words: STATE_WORDS[state],
      started_at_ms: Date.now(),
      answered_at_ms: null,
      ended_at_ms: null,
      muted: false,
      held: false,
      can_transfer: false,
      transfer: null,
      people: [],
      private_with: null,
      can_rejoin: false,
      reconnecting: false,
      gives_up_at_ms: null,
      silenced: false,
      quiet: false,
      decline_effect: 'only_here',
      keys_sent: '',
      keys_received: '',
      remembered: null,
      end: null,
    };
    this.all = [...this.all.filter((one) => one.state !== 'ended'), call];
    this.#around.changed();
    return call;
  }

  change(id: string, change: Partial<CallView>): void {
    const words = change.state ? { words: STATE_WORDS[change.state] } : {};
    this.all = this.all.map((call) => (call.id === id ? { ...call, ...words, ...change } : call));
    this.#around.changed();
  }

  end(id: string, reason: FakeReason): void {
    const call = this.find(id);
    if (!call || call.state === 'ended') return;
    this.change(id, {
      state: 'ended',
      ended_at_ms: Date.now(),
      muted: false,
      held: false,
      can_transfer: false,
      can_rejoin: false,
      reconnecting: false,
      gives_up_at_ms: null,
      end: endOf(reason),
    });
    const ended = this.find(id);
    if (ended) this.#around.ended(ended);
  }

  say(code: string, text: string): void {
    this.notice = { id: this.#nextId++, code, text };
    this.#around.changed();
  }

  find(id: string): CallView | undefined {
    return this.all.find((call) => call.id === id);
  }

  // ---- Inside

  /** The full number, or null with a notice that says why there is none. */
  #number(typed: string): string | null {
    const plain = typed.replace(/[^0-9+*#a-z]/gi, '');
    if (/^\+?\d{3,15}$/.test(plain)) return plain.startsWith('+') ? plain : `+1${plain.slice(-10)}`;
    this.say(
      'bad_number',
      typed === ''
        ? 'Type a number first.'
        : `${typed} is not a phone number. Use digits only, with + for other countries.`,
    );
    return null;
  }

  /** The call under way that is not held. */
  #talked(): CallView | undefined {
    const idle: readonly CallState[] = ['ended', 'offered', 'stranded', 'handed_over'];
    return this.all.find((call) => !call.held && !idle.includes(call.state));
  }

  #hold(id: string): void {
    this.change(id, { held: true, words: 'On hold' });
  }

  #talkOn(id: string): void {
    const talked = this.#talked();
    if (talked && talked.id !== id) this.#hold(talked.id);
    this.change(id, { held: false, words: STATE_WORDS.live });
  }

  #live(id: string): void {
    this.change(id, {
      state: 'live',
      answered_at_ms: this.find(id)?.answered_at_ms ?? Date.now(),
      can_transfer: true,
    });
  }

  async #place(id: string, behaviour: ReturnType<typeof behaviourOf>): Promise<void> {
    for (const state of ['joining', 'dialling', 'remote_ringing'] as const) {
      if (!(await this.#step(id))) return;
      this.change(id, { state });
    }
    if (behaviour === 'rings' || !(await this.#step(id))) return;
    if (behaviour === 'answers') this.#live(id);
    else this.end(id, behaviour);
  }

  async #connect(id: string): Promise<void> {
    if (!(await this.#step(id))) return;
    this.change(id, { state: 'answering' });
    if (await this.#step(id)) this.#live(id);
  }

  async #comeBack(id: string): Promise<void> {
    if (await this.#step(id)) this.#live(id);
  }

  async #drop(id: string, answered: boolean): Promise<void> {
    if (await this.#step(id)) this.end(id, answered ? 'hung_up_here' : 'cancelled');
  }

  async #refer(id: string, to: string, behaviour: ReturnType<typeof behaviourOf>): Promise<void> {
    await this.#wait();
    await this.#wait();
    if (this.find(id)?.transfer?.state !== 'asked' || behaviour === 'rings') return;
    if (behaviour === 'answers') {
      this.change(id, { transfer: { to, state: 'done', words: null } });
      if (await this.#step(id)) this.end(id, 'transferred');
      return;
    }
    const words = `${to} did not take the call (${endOf(behaviour).title.toLowerCase()}). Your caller is still here.`;
    this.change(id, { transfer: { to, state: 'failed', words }, can_transfer: true });
  }

  async #placePerson(id: string, leg: string, behaviour: ReturnType<typeof behaviourOf>): Promise<void> {
    await this.#wait();
    this.#person(id, leg, { state: 'ringing' });
    await this.#wait();
    if (behaviour === 'rings' || this.#personOf(id, leg)?.state !== 'ringing') return;
    if (behaviour === 'answers') this.#person(id, leg, { state: 'up' });
    else this.#personGone(id, leg, behaviour);
  }

  /** One leg is gone; who waited for it waits no longer. */
  #personGone(id: string, leg: string, reason: FakeReason): void {
    this.#person(id, leg, { state: 'gone', end: endOf(reason) });
    const call = this.find(id);
    if (!call) return;
    if (call.private_with === leg) this.merge(id);
    const rest = this.find(id)?.people.filter((one) => one.state !== 'gone') ?? [];
    this.change(id, { can_transfer: call.state === 'live' && rest.length < 2 });
  }

  #person(id: string, leg: string, change: Partial<PersonView>): void {
    const people = this.find(id)?.people.map((one) => (one.leg === leg ? { ...one, ...change } : one));
    if (people && this.#personOf(id, leg)?.state !== 'gone') this.change(id, { people });
  }

  #personOf(id: string, leg: string): PersonView | undefined {
    return this.find(id)?.people.find((one) => one.leg === leg);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#stepMs));
  }

  /** Waits one step. False when the call moved on by itself meanwhile. */
  async #step(id: string): Promise<boolean> {
    const before = this.find(id)?.state;
    await this.#wait();
    return this.find(id)?.state === before && before !== 'ended';
  }
}

/** Whom the call was with before others came. */
export function farEnd(call: CallView): PersonView {
  const { number, number_shown, name, contact } = call;
  return { leg: `${call.id}-far`, number, number_shown, name, contact, state: 'up', end: null };
}
