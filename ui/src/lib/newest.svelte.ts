import { asIpcError, type IpcError, type Unsubscribe } from './backend/backend';

/**
 * The newest of a view that the core tells whole. A core that does not have it yet refuses to show it: then there is none,
 * and whatever is about it is left out.
 */
export class Newest<View> {
  #view = $state.raw<View | null>(null);
  #refusal = $state.raw<IpcError | null>(null);
  readonly #show: () => Promise<View>;
  readonly #follow: (listener: (view: View) => void) => Promise<Unsubscribe>;
  readonly #isOlder: (view: View, than: View) => boolean;

  constructor(
    show: () => Promise<View>,
    follow: (listener: (view: View) => void) => Promise<Unsubscribe>,
    isOlder: (view: View, than: View) => boolean = () => false,
    known: View | null = null,
  ) {
    this.#show = show;
    this.#follow = follow;
    this.#isOlder = isOlder;
    this.#view = known;
  }

  /** Null until it was told once. */
  get view(): View | null {
    return this.#view;
  }
  /** Why it cannot be shown, or why the last change was refused. */
  get refusal(): IpcError | null {
    return this.#refusal;
  }

  /** Listens first and asks then, so that no change falls between the two. */
  async connect(): Promise<Unsubscribe> {
    const stop = await this.#follow((view) => this.apply(view));
    await this.change(this.#show);
    return stop;
  }

  apply(view: View): void {
    if (this.#view === null || !this.#isOlder(view, this.#view)) this.#view = view;
  }

  /** Takes what the core answers as the new truth; a refusal keeps the old one. True when it was taken. */
  async change(request: () => Promise<View>): Promise<boolean> {
    try {
      this.apply(await request());
      this.#refusal = null;
      return true;
    } catch (thrown) {
      this.#refusal = asIpcError(thrown);
      return false;
    }
  }
}
