import type { ContactDraft, ContactNumberView } from '../backend/backend';

const NO_NUMBER: ContactNumberView = { label: '', number: '' };

/** A contact being written down: a new one, or one being changed. */
export class Writing {
  /** Null: a new contact. */
  readonly id: number | null;
  name = $state('');
  organisation = $state('');
  note = $state('');
  numbers = $state<ContactNumberView[]>([]);
  readonly #begun: string;

  constructor(id: number | null, from: ContactDraft) {
    this.id = id;
    this.name = from.name;
    this.organisation = from.organisation;
    this.note = from.note;
    this.numbers = (from.numbers.length > 0 ? from.numbers : [NO_NUMBER]).map((one) => ({ ...one }));
    // A number that comes from a call is nobody's typing.
    this.#begun = JSON.stringify(this.draft);
  }

  /** What would be saved. */
  get draft(): ContactDraft {
    return {
      name: this.name.trim(),
      organisation: this.organisation.trim(),
      note: this.note.trim(),
      numbers: this.numbers.filter((one) => one.number.trim() !== '').map(({ label, number }) => ({ label, number })),
    };
  }
  /** Something was typed that would be lost with it. */
  get changed(): boolean {
    return JSON.stringify(this.draft) !== this.#begun;
  }
}

/** The contacts being written down. What was typed stays until it is saved or given up, whatever is shown meanwhile. */
export class Writings {
  #all = $state.raw<readonly Writing[]>([]);
  #open = $state.raw<Writing | null>(null);

  /** The one whose form is shown. */
  get open(): Writing | null {
    return this.#open;
  }
  /** Those with something typed, whose form is not shown. */
  get waiting(): readonly Writing[] {
    return this.#all.filter((one) => one !== this.#open);
  }

  /** Shows the form of a contact: with what was typed before, where that waits. */
  begin(id: number | null, from: ContactDraft): void {
    const waiting = id === null ? undefined : this.#all.find((one) => one.id === id);
    this.show(waiting ?? new Writing(id, from));
  }
  show(one: Writing): void {
    this.leave();
    if (!this.#all.includes(one)) this.#all = [...this.#all, one];
    this.#open = one;
  }
  /** No form is shown any more. What was typed waits. */
  leave(): void {
    const open = this.#open;
    if (open && !open.changed) this.drop(open);
    this.#open = null;
  }
  /** It was saved or given up. */
  drop(one: Writing): void {
    this.#all = this.#all.filter((other) => other !== one);
    if (this.#open === one) this.#open = null;
  }
}
