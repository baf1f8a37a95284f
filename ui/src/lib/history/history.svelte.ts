import type { Backend, ExportFormat, Exported, HistoryQuery, HistoryRow, Unsubscribe } from '../backend/backend';
import { Paged } from '../paged.svelte';

/** The calls read so far, newest first, shared by every list of calls in the window. */
export class History extends Paged<HistoryRow> {
  #query: HistoryQuery;
  #unseen = $state(0);
  readonly #backend: Backend;

  constructor(backend: Backend, query: HistoryQuery = {}) {
    super((cursor, limit) => backend.historyPage(cursor, limit, this.#query));
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
    await this.restart();
  }

  /** Somebody looks at the list: missed calls are not news any more. */
  async seen(): Promise<void> {
    if (this.#unseen === 0) return;
    this.#unseen = 0;
    try {
      await this.#backend.historySeen(null);
    } catch (thrown) {
      this.refuse(thrown);
    }
  }

  /** Deletes a call; what it answers takes that back. Rejects with an `IpcError`. */
  async delete(call: string): Promise<() => Promise<unknown>> {
    const token = await this.#backend.historyDelete([call]);
    return () => this.#backend.historyUndelete(token);
  }
  /** Writes the calls asked for into a file. Rejects with an `IpcError`. */
  export(query: HistoryQuery, format: ExportFormat): Promise<Exported> {
    return this.#backend.historyExport(query, format);
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
}
