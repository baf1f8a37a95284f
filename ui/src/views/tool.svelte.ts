import type { Phone } from '../lib/phone/phone.svelte';
import { mayOpen, type Tool } from '../lib/phone/abilities';

/** What is open beside the call under way: keypad or a picker. Another call starts with nothing open. */
export class OpenTool {
  #opened = $state<{ call: string; tool: Tool } | null>(null);
  readonly #phone: Phone;
  readonly #shown = $derived.by((): Tool | null => {
    const live = this.#phone.live;
    return this.#opened && live?.id === this.#opened.call && mayOpen(live, this.#opened.tool) ? this.#opened.tool : null;
  });

  /** While a component is set up: it follows the phone as long as that lives. */
  constructor(phone: Phone) {
    this.#phone = phone;
    // A picker stays, with what was typed, until the core took it: then it cannot be used any more, or there is one more
    // person in the call. It does not come back by itself.
    const newest = $derived(phone.live?.people.at(-1)?.leg ?? null);
    let newestBefore: string | null = null;
    $effect(() => {
      if (this.#opened && this.#shown === null) this.#opened = null;
      if (this.#opened?.tool === 'add' && newest !== null && newest !== newestBefore) this.#opened = null;
      newestBefore = newest;
    });
  }

  get shown(): Tool | null {
    return this.#shown;
  }
  /** Opens it, or closes it where it is open. */
  toggle(wanted: Tool): void {
    const { live } = this.#phone;
    this.#opened = live && this.#shown !== wanted && mayOpen(live, wanted) ? { call: live.id, tool: wanted } : null;
  }
  close(): void {
    this.#opened = null;
  }
}
