/** One line about what was just done, with one way to take it back. */
export interface Toast {
  id: number;
  text: string;
  /** Stays until dismissed and is told at once: something was refused. */
  refused: boolean;
  action: { label: string; act: () => void } | null;
}

const SHOWN_MS = 6_000;
/** Besides refusals. */
const SHOWN_MOST = 3;

/** The toasts of a window, newest last. Each goes after six seconds, but not while it is looked at. */
export class Toasts {
  #all = $state.raw<readonly Toast[]>([]);
  #last = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  get all(): readonly Toast[] {
    return this.#all;
  }

  show(text: string, action: Toast['action'] = null): void {
    this.#add({ text, action, refused: false });
  }
  refuse(text: string): void {
    this.#add({ text, action: null, refused: true });
  }
  dismiss(id: number): void {
    this.stay(id);
    this.#all = this.#all.filter((one) => one.id !== id);
  }
  /** Somebody points at it or is inside it. */
  stay(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
  /** Nobody does any more. */
  leave(id: number): void {
    const toast = this.#all.find((one) => one.id === id);
    if (!toast || toast.refused) return;
    this.stay(id);
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), SHOWN_MS),
    );
  }

  #add(toast: Omit<Toast, 'id'>): void {
    // The same refusal again says nothing new.
    if (toast.refused && this.#all.some((one) => one.refused && one.text === toast.text)) return;
    this.#last += 1;
    this.#all = [...this.#all, { ...toast, id: this.#last }];
    const passing = this.#all.filter((one) => !one.refused);
    for (const one of passing.slice(0, -SHOWN_MOST)) this.dismiss(one.id);
    this.leave(this.#last);
  }
}
