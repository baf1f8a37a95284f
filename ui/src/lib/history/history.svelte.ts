import { asIpcError, type Backend, type HistoryQuery, type HistoryRow, type IpcError, type Unsubscribe } from '../backend/backend';

const PAGE = 50;
/** A reload keeps what was paged in, up to this many rows. */
const MOST_ON_RELOAD = 500;

/** The calls read so far, newest first, shared by every list of calls in the window. */
export class History {
  #rows = $state.raw<readonly HistoryRow[] | null>(null);
  #next = $state.raw<string | null>(null);
  #refusal = $state.raw<IpcError | null>(null);
  #reading = $state(false);
  /** A change that came while a read was under way, so that the read must be repeated. */
  #stale = false;
  #query: HistoryQuery;
  #unseen = $state(0);
  readonly #backend: Backend;

  constructor(backend: Backend, query: HistoryQuery = {}) {
    this.#backend = backend;
    this.#query = query;
  }

  /** Missed calls that nobody has looked at. */
  get unseen(): number {
    return this.#unseen;
  }

  /** Another list of the same calls, for a search of its own. */
  another(query: HistoryQuery): History {
    return new History(this.#backend, query);
  }

  /** Shows other calls from now on. What was shown stays until their first page is here. */
  async ask(query: HistoryQuery): Promise<void> {
    this.#query = query;
    if (this.#reading) {
      this.#stale = true;
      return;
    }
    await this.#read(null, PAGE, () => []);
  }

  /** Somebody looks at the list: missed calls are not news any more. */
  async seen(): Promise<void> {
    if (this.#unseen === 0) return;
    this.#unseen = 0;
    try {
      await this.#backend.historySeen(null);
    } catch (thrown) {
      this.#refusal = asIpcError(thrown);
    }
  }

  /** Null until the first page was read. */
  get rows(): readonly HistoryRow[] | null {
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

  /** Reads the first page and again whenever the core says that a row changed. */
  async connect(): Promise<Unsubscribe> {
    const stop = await this.#backend.onHistoryChanged(() => void this.#renew());
    await this.#renew();
    return stop;
  }

  async #renew(): Promise<void> {
    await Promise.all([this.reload(), this.#count()]);
  }

  async #count(): Promise<void> {
    try {
      this.#unseen = await this.#backend.missedCount();
    } catch {
      // The list itself says why nothing can be read.
    }
  }

  async reload(): Promise<void> {
    if (this.#reading) {
      this.#stale = true;
      return;
    }
    const limit = Math.min(MOST_ON_RELOAD, Math.max(PAGE, this.#rows?.length ?? 0));
    await this.#read(null, limit, () => []);
  }

  async showMore(): Promise<void> {
    if (this.#next === null || this.#reading) return;
    await this.#read(this.#next, PAGE, () => this.#rows ?? []);
  }

  async #read(cursor: string | null, limit: number, before: () => readonly HistoryRow[]): Promise<void> {
    this.#reading = true;
    try {
      const page = await this.#backend.historyPage(cursor, limit, this.#query);
      this.#rows = [...before(), ...page.rows];
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

/** Rows in runs of one day each, in the order given. `heading` names the day of a row. */
export function groupByDay(
  rows: readonly HistoryRow[],
  heading: (atMs: number) => string,
): { day: string; rows: HistoryRow[] }[] {
  const days: { day: string; rows: HistoryRow[] }[] = [];
  for (const row of rows) {
    const day = heading(row.started_at_ms);
    const last = days[days.length - 1];
    if (last?.day === day) last.rows.push(row);
    else days.push({ day, rows: [row] });
  }
  return days;
}
