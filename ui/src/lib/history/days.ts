import type { HistoryRow } from '../backend/backend';

/** The heading over a day, or a call. The first call of a day names its day to those who do not see the heading. */
export type DayItem = { heading: string } | { row: HistoryRow; id: string; first?: string };

/**
 * Calls under the headings of their days, in the order given. Calls that are read behind those that are there are added;
 * what is there stays as it is, so that a list of thousands is not made anew for fifty more.
 */
export class Days {
  #rows: readonly HistoryRow[] = [];
  #items: DayItem[] = [];
  #named = '';
  /** The day of the last call: from, up to. */
  #day = [0, 0] as readonly [number, number];

  /** `named`: what headings depend on, besides the time of the call; `heading`: of the day of a time. */
  of(rows: readonly HistoryRow[], named: string, heading: (atMs: number) => string): readonly DayItem[] {
    const last = this.#rows.length - 1;
    const goesOn = last >= 0 && named === this.#named && rows[0] === this.#rows[0] && rows[last] === this.#rows[last];
    if (!goesOn) this.#day = [0, 0];
    const items = goesOn ? [...this.#items] : [];
    for (const row of goesOn ? rows.slice(last + 1) : rows) {
      const at = row.started_at_ms;
      const sameDay = at >= this.#day[0] && at < this.#day[1];
      if (sameDay) {
        items.push({ row, id: row.id });
        continue;
      }
      this.#day = dayOf(at);
      const first = heading(at);
      items.push({ heading: first }, { row, id: row.id, first });
    }
    this.#rows = rows;
    this.#named = named;
    this.#items = items;
    return items;
  }
}

/** The day of a time on the local calendar: from, up to. */
export function dayOf(atMs: number): readonly [number, number] {
  const at = new Date(atMs);
  const midnight = (days: number) => new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime();
  return [midnight(0), midnight(1)];
}
