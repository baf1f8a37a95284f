import {
  asIpcError,
  type AvailabilityView,
  type Backend,
  type CallView,
  type IpcError,
  type NoticeView,
  type OtherCall,
  type PersonView,
  type PhoneView,
  type RouteAsked,
  type Unsubscribe,
} from '../backend/backend';

/** What the window may be told to say: a notice of the core, or a command that was refused. */
export type Said = { source: 'core'; notice: NoticeView } | { source: 'refusal'; notice: NoticeView };

/**
 * The last view of the phone, and the intents sent to it.
 *
 * Holds no rule: which states there are and what they are called comes from the core. All it
 * decides is which of two views is newer.
 */
export class Phone {
  #view = $state.raw<PhoneView | null>(null);
  #refusal = $state.raw<IpcError | null>(null);
  readonly #backend: Backend;

  /** `known`: what the page began with. The next view goes before it, whichever that is: names may be missing in this. */
  constructor(backend: Backend, known: PhoneView | null = null) {
    this.#backend = backend;
    if (known) this.#view = { ...known, rev: known.rev - 1 };
  }

  /** Null until the core has spoken once. */
  get view(): PhoneView | null {
    return this.#view;
  }

  get calls(): readonly CallView[] {
    return this.#view?.calls ?? [];
  }

  /** The call that rings here, or is just being claimed. Of several the core says which: the keys are about the same one. */
  offered = $derived.by(() => this.calls.find((call) => call.id === this.#view?.rings) ?? null);
  /** How many calls wait besides `offered`. */
  offeredBesides = $derived.by(() => Math.max(0, this.calls.filter(isOffered).length - 1));
  /** The call under way that the window is about: the one talked on, else the one held last. */
  live = $derived.by(() => {
    const here = this.calls.filter(isUnderWay);
    return here.findLast((call) => !call.held) ?? here.at(-1) ?? null;
  });
  /** The call that would be in the way of another one: the one under way that is not held. */
  talking = $derived.by(() => (this.live && !this.live.held && this.live.state !== 'ending' ? this.live : null));
  /** Calls besides `live` that are not over: held, left to others, left behind by an earlier run. Oldest first. */
  aside = $derived.by(() =>
    this.calls.filter((call) => call.id !== this.live?.id && call.state !== 'ended' && !isOffered(call)),
  );
  /** The call that ended last and was not dismissed. */
  ended = $derived.by(() => lastEnded(this.calls));

  /** The one sentence to show now; a refused command is newer than the core's notice. */
  said = $derived.by((): Said | null => {
    if (this.#refusal)
      return { source: 'refusal', notice: { id: 0, code: this.#refusal.code, text: this.#refusal.message } };
    const notice = this.#view?.notice;
    return notice ? { source: 'core', notice } : null;
  });

  /** Takes `view` unless it is no newer than the one held. True when taken. */
  apply(view: PhoneView): boolean {
    if (this.#view && view.rev <= this.#view.rev) return false;
    this.#view = view;
    return true;
  }

  /** Listens first and asks then, so that no change falls between the two. */
  async connect(): Promise<Unsubscribe> {
    const stop = await this.#backend.onPhoneChanged((view) => this.apply(view));
    await this.#send(async () => {
      this.apply(await this.#backend.snapshot());
    });
    return stop;
  }

  /** `keys` are sent once it is answered; `wish` goes before the rules that choose the line. */
  dial(number: string, keys: string | null = null, wish: Omit<RouteAsked, 'number'> | null = null): Promise<boolean> {
    if (wish) return this.#send(() => this.#backend.dial(number, keys, wish));
    return this.#send(() => (keys ? this.#backend.dial(number, keys) : this.#backend.dial(number)));
  }
  answer(call: CallView, other: OtherCall = 'hold'): Promise<boolean> {
    return this.#send(() => this.#backend.answer(call.id, other));
  }
  decline(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.decline(call.id));
  }
  silence(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.silence(call.id));
  }
  hangUp(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.hangUp(call.id));
  }
  toggleMuted(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.setMuted(call.id, !call.muted));
  }
  toggleHeld(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.setHeld(call.id, !call.held));
  }
  transfer(call: CallView, to: string): Promise<boolean> {
    return this.#send(() => this.#backend.transfer(call.id, to));
  }
  addPerson(call: CallView, number: string, alone: boolean): Promise<boolean> {
    return this.#send(() => this.#backend.addPerson(call.id, number, alone));
  }
  merge(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.merge(call.id));
  }
  talkPrivately(call: CallView, person: PersonView): Promise<boolean> {
    return this.#send(() => this.#backend.talkPrivately(call.id, person.leg));
  }
  handOver(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.handOver(call.id));
  }
  dropPerson(call: CallView, person: PersonView): Promise<boolean> {
    return this.#send(() => this.#backend.dropPerson(call.id, person.leg));
  }
  rejoin(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.rejoin(call.id));
  }
  setAvailability(availability: AvailabilityView): Promise<boolean> {
    return this.#send(() => this.#backend.setAvailability(availability));
  }
  sendKeys(call: CallView, keys: string): Promise<boolean> {
    return this.#send(() => this.#backend.sendKeys(call.id, keys));
  }
  dismiss(call: CallView): Promise<boolean> {
    return this.#send(() => this.#backend.dismiss(call.id));
  }
  retryLine(): Promise<boolean> {
    return this.#send(() => this.#backend.retryLine());
  }

  /** Puts away what `said` shows. */
  async unsay(): Promise<void> {
    const said = this.said;
    if (said?.source === 'refusal') this.#refusal = null;
    if (said?.source === 'core') await this.#send(() => this.#backend.dismissNotice(said.notice.id));
  }

  /** Sends one intent. A refusal becomes `said`; true when there was none. */
  async #send(intent: () => Promise<void>): Promise<boolean> {
    try {
      await intent();
      this.#refusal = null;
      return true;
    } catch (thrown) {
      this.#refusal = asIpcError(thrown);
      return false;
    }
  }
}

/** Rings here, or its claim is running: shown as ringing until the claim is won or lost. */
export function isOffered(call: CallView): boolean {
  return call.state === 'offered' || call.state === 'claiming';
}

/** Being placed, answered, talked on, held or ended, with this desk in it. */
export function isUnderWay(call: CallView): boolean {
  const apart = call.state === 'ended' || call.state === 'stranded' || call.state === 'handed_over';
  return !apart && !isOffered(call);
}

function lastEnded(calls: readonly CallView[]): CallView | null {
  let last: CallView | null = null;
  for (const call of calls) {
    if (call.state === 'ended' && (!last || (call.ended_at_ms ?? 0) >= (last.ended_at_ms ?? 0))) last = call;
  }
  return last;
}
