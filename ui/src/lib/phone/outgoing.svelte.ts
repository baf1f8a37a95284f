import type { Backend, RouteAsked, RouteView } from '../backend/backend';

/** Typing is faster than this; the line of every single digit need not be known. */
const PAUSE_MS = 120;

/**
 * The line that the number in the field would be called over, and what was chosen instead of the rules.
 *
 * Holds no rule: the core decides and says why.
 */
export class Outgoing {
  #view = $state.raw<RouteView | null>(null);
  #wish = $state.raw<Omit<RouteAsked, 'number'>>({});
  #number = '';
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Null until the core has said. */
  get view(): RouteView | null {
    return this.#view;
  }
  /** What whoever dials chose; null: the rules choose. */
  get wish(): Omit<RouteAsked, 'number'> | null {
    return this.#wish.line === undefined && this.#wish.caller_id === undefined ? null : this.#wish;
  }

  /** Another number stands in the field, or the lines changed. */
  follow(number: string): void {
    this.#number = number;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PAUSE_MS);
  }
  /** Null: the rules choose again. */
  async choose(wish: Omit<RouteAsked, 'number'> | null): Promise<void> {
    this.#wish = wish ?? {};
    clearTimeout(this.#timer);
    await this.#look();
  }
  /** It has become a call: the next one is chosen by the rules. */
  clear(): void {
    this.#wish = {};
  }
  stop(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
  }

  async #look(): Promise<void> {
    const turn = (this.#turn += 1);
    try {
      const view = await this.#backend.routeShow({ number: this.#number, ...this.#wish });
      if (turn === this.#turn) this.#view = view;
    } catch {
      // the last answer stays on the screen; a call asks the core anew, and says what is wrong
    }
  }
}
