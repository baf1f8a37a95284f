import type { Backend, PrefillView } from '../lib/backend/backend';
import type { Desk } from '../lib/desk/desk.svelte';
import type { DialField } from '../lib/phone/dial-field.svelte';

/** A number from a link: it stands in the field and waits. One that would switch something at the provider is asked about. */
export class Link {
  /** The number in the field, with the keys of its link. */
  #filled = $state.raw<{ number: string; keys: string | null } | null>(null);
  readonly #backend: Backend;
  readonly #desk: Desk;
  readonly #field: DialField;

  /** While a component is set up. `arrived`: the number is to be seen. */
  constructor(backend: Backend, desk: Desk, field: DialField, arrived: () => void) {
    this.#backend = backend;
    this.#desk = desk;
    this.#field = field;
    let filledFrom = 0;
    $effect(() => {
      const prefill = this.prefill;
      if (!prefill || prefill.id === filledFrom) return;
      filledFrom = prefill.id;
      arrived();
      if (prefill.number !== '' && !prefill.service_code) this.fillIn();
    });
  }

  get prefill(): PrefillView | null {
    return this.#desk.shell.view?.prefill ?? null;
  }
  fillIn(): void {
    const prefill = this.prefill;
    if (!prefill) return;
    this.#field.text = prefill.number;
    this.#filled = { number: prefill.number, keys: prefill.keys };
    if (prefill.service_code) this.done();
  }
  /** It was taken or put away. */
  done(): void {
    if (this.prefill) void this.#backend.prefillDone(this.prefill.id).catch(() => undefined);
  }
  /** The number is dialled: the keys to be sent after the answer, if it is the one of the link. */
  dialled(number: string): string | null {
    const keys = this.#filled?.number === number ? this.#filled.keys : null;
    this.#filled = null;
    this.done();
    return keys;
  }
}
