import { asIpcError, type Backend } from '../backend/backend';

/** How long nobody types before the note is saved. */
const PAUSE_MS = 700;

/**
 * The note of one call while it is looked at, and until it is saved. It outlives the field it is typed in: what is typed is
 * written one request at a time, the newest text last, and a refusal loses nothing.
 */
export class Note {
  #text = $state('');
  #saved = $state<string | null>(null);
  #refusal = $state<string | null>(null);
  #reading = false;
  #writing = false;
  #readers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #read: () => Promise<string>;
  readonly #write: (text: string) => Promise<void>;
  readonly #left: (refusal: string | null) => void;

  /** `left`: nobody looks at it any more and nothing is under way; with a refusal, what was typed is not saved. */
  constructor(
    read: () => Promise<string>,
    write: (text: string) => Promise<void>,
    left: (refusal: string | null) => void,
  ) {
    this.#read = read;
    this.#write = write;
    this.#left = left;
    void this.read();
  }

  /** What stands in the field. */
  get text(): string {
    return this.#text;
  }
  /** The saved note is known, so there is something to type over. */
  get known(): boolean {
    return this.#saved !== null;
  }
  /** There is a note, and it is saved. */
  get saved(): boolean {
    return this.#saved !== null && this.#saved !== '' && !this.unsaved;
  }
  get unsaved(): boolean {
    return this.#saved !== null && this.#text.trim() !== this.#saved.trim();
  }
  /** Why it could not be read or saved. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Reads or saves again, whichever was refused. */
  retry(): Promise<void> {
    return this.known ? this.save() : this.read();
  }

  async read(): Promise<void> {
    this.#reading = true;
    try {
      this.#saved = await this.#read();
      this.#text = this.#saved;
      this.#refusal = null;
    } catch (thrown) {
      this.#refusal = asIpcError(thrown).message;
    }
    this.#reading = false;
    if (this.#readers === 0) this.#left(null);
  }

  type(text: string): void {
    this.#text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), PAUSE_MS);
  }

  /** Saves what was typed until now, and what is typed meanwhile behind it. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.unsaved) {
        const wanted = this.#text.trim();
        await this.#write(wanted);
        this.#saved = wanted;
      }
      this.#refusal = null;
    } catch (thrown) {
      this.#refusal = asIpcError(thrown).message;
    }
    this.#writing = false;
    if (this.#readers === 0) this.#left(this.#refusal);
  }

  /** Somebody looks at it. What it answers ends that: then it is saved, and a refusal is told elsewhere. */
  look(): () => void {
    this.#readers += 1;
    return () => {
      this.#readers -= 1;
      if (this.known) void this.save();
      else if (!this.#reading) this.#left(null);
    };
  }
}

/** The notes that somebody looks at, and those that are not saved yet. */
export class Notes {
  readonly #open = new Map<string, Note>();
  readonly #backend: Backend;
  readonly #lost: (refusal: string) => void;

  /** `lost` is told when a note is left that could not be saved. Its text is there when the note is opened again. */
  constructor(backend: Backend, lost: (refusal: string) => void) {
    this.#backend = backend;
    this.#lost = lost;
  }

  of(call: string): Note {
    const open = this.#open.get(call);
    if (open) return open;
    const note = new Note(
      async () => (await this.#backend.callDetails(call)).row.note,
      (text) => this.#backend.historyNote(call, text),
      (refusal) => {
        if (refusal === null) this.#open.delete(call);
        else this.#lost(refusal);
      },
    );
    this.#open.set(call, note);
    return note;
  }
}
