import { asIpcError, type IpcError } from './backend/backend';

/** One page of something, and where the next one begins; null: there is none. */
export interface Page<Row> {
  rows: readonly Row[];
  next: string | null;
}

const PAGE = 50;
/** A reload keeps what was paged in, up to this many rows. */
const MOST_ON_RELOAD = 200;

/** Rows read page by page as they are wanted. What was read stays until there is something newer to show. */
export class Paged<Row> {
  #rows = $state.raw<readonly Row[] | null>(null);
  #next = $state.raw<string | null>(null);
  #refusal = $state.raw<IpcError | null>(null);
  #reading = $state(false);
  /** A change that came while a read was under way, so that the read must be repeated. */
  #stale = false;
  readonly #page: (cursor: string | null, limit: number) => Promise<Page<Row>>;

  constructor(page: (cursor: string | null, limit: number) => Promise<Page<Row>>) {
    this.#page = page;
  }

  /** Null until the first page was read. */
  get rows(): readonly Row[] | null {
    return this.#rows;
  }
  /** Why the last read was refused. */
  get refusal(): IpcError | null {
    return this.#refusal;
  }
  get hasMore(): boolean {
    return this.#next !== null;
  }
  get reading(): boolean {
    return this.#reading;
  }

  /** Says why something else about these rows was refused. */
  refuse(thrown: unknown): void {
    this.#refusal = asIpcError(thrown);
  }

  /** Reads from the beginning, as much as was there. */
  reload(): Promise<void> {
    return this.#first(Math.min(MOST_ON_RELOAD, Math.max(PAGE, this.#rows?.length ?? 0)));
  }
  /** Reads the first page only: other rows are asked for. */
  restart(): Promise<void> {
    return this.#first(PAGE);
  }
  async showMore(): Promise<void> {
    if (this.#next === null || this.#reading) return;
    await this.#read(this.#next, PAGE, () => this.#rows ?? []);
  }

  async #first(limit: number): Promise<void> {
    if (this.#reading) {
      this.#stale = true;
      return;
    }
    await this.#read(null, limit, () => []);
  }

  async #read(cursor: string | null, limit: number, before: () => readonly Row[]): Promise<void> {
    this.#reading = true;
    try {
      const page = await this.#page(cursor, limit);
      const kept = before();
      this.#rows = kept.length === 0 ? page.rows : [...kept, ...page.rows];
      this.#next = page.next;
      this.#refusal = null;
    } catch (thrown) {
      this.#refusal = asIpcError(thrown);
    } finally {
      this.#reading = false;
    }
    if (this.#stale) {
      this.#stale = false;
      await this.reload();
    }
  }
}
