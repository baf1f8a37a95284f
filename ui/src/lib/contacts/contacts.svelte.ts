import type { Backend, ContactDraft, ContactView, ImportView, Unsubscribe } from '../backend/backend';
import { Paged } from '../paged.svelte';
import { Writings } from './writing.svelte';

/** The most contacts that typing is compared with in the window; a search of the contacts asks the core. */
const MOST_KNOWN = 2000;
const KNOWN_PAGE = 200;

/** The address book as far as it was read, by name, and everybody that typing a number or name may mean. */
export class Contacts extends Paged<ContactView> {
  #text = '';
  #known = $state.raw<readonly ContactView[]>([]);
  /** What is being written down. */
  readonly writings = new Writings();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    super(async (cursor, limit) => {
      const page = await backend.contacts(this.#text, cursor, limit);
      return { rows: page.contacts, next: page.next };
    });
    this.#backend = backend;
  }

  /** Those that suggestions are taken from. */
  get known(): readonly ContactView[] {
    return this.#known;
  }

  async connect(): Promise<Unsubscribe> {
    const stop = await this.#backend.onHistoryChanged(() => void this.renew());
    await this.renew();
    return stop;
  }
  /** Reads again what is shown and known. */
  async renew(): Promise<void> {
    await Promise.all([this.reload(), this.#learn()]);
  }
  /** Shows only those with every word of `text`. */
  async search(text: string): Promise<void> {
    if (text === this.#text && this.rows !== null) return;
    this.#text = text;
    await this.restart();
  }

  /** Answers the id. Rejects with an `IpcError`. */
  async save(id: number | null, draft: ContactDraft): Promise<number> {
    const kept = await this.#backend.contactSave(id, draft);
    await this.renew();
    return kept;
  }
  /** What it answers puts the contact back. Rejects with an `IpcError`. */
  async delete(contact: ContactView): Promise<() => Promise<unknown>> {
    await this.#backend.contactDelete(contact.id);
    await this.renew();
    const { id: _, ...draft } = contact;
    return () => this.save(null, draft);
  }
  async import(name: string, bytes: Uint8Array): Promise<ImportView> {
    const report = await this.#backend.contactsImport(name, bytes);
    await this.renew();
    return report;
  }
  async undoImport(id: number): Promise<number> {
    const gone = await this.#backend.contactsUndoImport(id);
    await this.renew();
    return gone;
  }

  async #learn(): Promise<void> {
    const known: ContactView[] = [];
    let cursor: string | null = null;
    try {
      do {
        const page: { contacts: ContactView[]; next: string | null } = await this.#backend.contacts(
          '',
          cursor,
          KNOWN_PAGE,
        );
        known.push(...page.contacts);
        cursor = page.next;
      } while (cursor !== null && known.length < MOST_KNOWN);
      this.#known = known;
    } catch {
      // The list of contacts says why none can be read.
    }
  }
}

/** The letter a name is listed under: its first, without accents; "#" for anything else. */
export function letterOf(name: string): string {
  const first = [...name.trim().normalize('NFD')][0]?.toLocaleUpperCase() ?? '';
  return /^\p{L}$/u.test(first) ? first : '#';
}
