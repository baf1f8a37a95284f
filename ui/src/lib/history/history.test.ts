import { expect, test, vi } from 'vitest';
import { aRow } from '../../testing/views';
import type { Backend, HistoryPage } from '../backend/backend';
import { History } from './history.svelte';

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => aRow({ id: `row-${from + index}` }));

/** A store of `total` rows, with a switch to refuse. */
function store(total: number) {
  const state = { total, refuse: false, changed: () => undefined as void, reads: [] as [string | null, number][] };
  const backend = {
    historyPage: async (cursor: string | null, limit: number): Promise<HistoryPage> => {
      state.reads.push([cursor, limit]);
      if (state.refuse) throw { code: 'history', message: 'The profile folder cannot be read.' };
      const from = Number(cursor ?? 0);
      const to = Math.min(from + limit, state.total);
      return { rows: rows(from, to), next: to < state.total ? String(to) : null };
    },
    onHistoryChanged: async (listener: () => void) => {
      state.changed = listener;
      return () => undefined;
    },
  } as unknown as Backend;
  return { state, history: new History(backend) };
}

test('shows nothing before the first page, then pages on with Show more', async () => {
  const { history } = store(70);
  expect(history.rows).toBeNull();
  await history.connect();
  expect(history.rows).toHaveLength(50);
  expect(history.hasMore).toBe(true);
  await history.showMore();
  expect(history.rows?.map((row) => row.id)).toEqual(rows(0, 70).map((row) => row.id));
  expect(history.hasMore).toBe(false);
});

test('a change keeps what was paged in', async () => {
  const { state, history } = store(120);
  await history.connect();
  await history.showMore();
  state.total = 121;
  state.changed();
  await vi.waitFor(() => expect(state.reads).toHaveLength(3));
  expect(state.reads[2]).toEqual([null, 100]);
  await vi.waitFor(() => expect(history.reading).toBe(false));
  expect(history.rows).toHaveLength(100);
});

test('changes during a read lead to exactly one more read', async () => {
  const { state, history } = store(3);
  const first = history.reload();
  state.total = 4;
  void history.reload();
  void history.reload();
  await first;
  expect(state.reads).toHaveLength(2);
  expect(history.rows).toHaveLength(4);
});

test('a refusal is kept beside the rows that were there, until a read succeeds', async () => {
  const { state, history } = store(3);
  await history.connect();
  state.refuse = true;
  await history.reload();
  expect(history.refusal?.message).toBe('The profile folder cannot be read.');
  expect(history.rows).toHaveLength(3);
  state.refuse = false;
  await history.reload();
  expect(history.refusal).toBeNull();
});
