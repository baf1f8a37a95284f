import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { describe, expect, test, vi } from 'vitest';
import { aRow } from '../../../testing/views';
import type { Backend, HistoryPage, HistoryRow } from '../../backend/backend';
import { History } from '../../history/history.svelte';
import HistoryList from './HistoryList.svelte';

async function list(read: () => Promise<HistoryPage>) {
  const history = new History({ historyPage: read } as unknown as Backend);
  const oncall = vi.fn();
  render(HistoryList, { history, line: null, oncall, onchoose: vi.fn(), onopen: vi.fn() });
  await history.reload();
  return { history, oncall };
}
const pageOf = (rows: HistoryRow[]) => async () => ({ rows, next: null });

test('each call has its outcome in words, its direction as a sign, its length and a call back', async () => {
  const { oncall } = await list(
    pageOf([
      aRow({ id: 'a', words: 'You called', duration_s: 252 }),
      aRow({
        id: 'b',
        direction: 'inbound',
        words: 'Missed, rang 24 s',
        outcome: 'missed',
        missed: true,
        duration_s: null,
        name: 'Elena Marchetti',
      }),
      aRow({ id: 'c', words: 'You called, number not in service', outcome: 'not_in_service', duration_s: null }),
    ]),
  );
  const rows = await vi.waitFor(() => {
    const all = screen.getAllByTestId('history-row');
    expect(all).toHaveLength(3);
    return all;
  });
  expect(rows.map((row) => [row.dataset['outcome'], row.dataset['direction']])).toEqual([
    ['answered', 'outbound'],
    ['missed', 'inbound'],
    ['not_in_service', 'outbound'],
  ]);
  expect(screen.getAllByTestId('history-row-words').map((words) => words.textContent)).toEqual([
    'You called',
    'Missed, rang 24 s',
    'You called, number not in service',
  ]);
  const [answered, missed] = rows as [HTMLElement, HTMLElement];
  const length = within(answered).getByTestId('history-row-duration');
  expect([length.textContent, length.dataset['seconds']]).toEqual(['4 min', '252']);
  expect(within(missed).queryByTestId('history-row-duration')).toBeNull();
  expect(answered.textContent).toContain('Outgoing');
  expect(missed.textContent).toMatch(/^\s*Missed/);
  expect(missed.className).toContain('rowi--missed');
  await fireEvent.keyDown(answered, { key: 'Enter', ctrlKey: true });
  expect(oncall.mock.calls[0]?.[0]).toMatchObject({ id: 'a' });
});

test('a private caller cannot be called back', async () => {
  const { oncall } = await list(pageOf([aRow({ number: '', number_shown: 'Private number' })]));
  expect((await screen.findByTestId('history-row')).textContent).toContain('Private number');
  await fireEvent.keyDown(screen.getByTestId('history-row'), { key: 'Enter', ctrlKey: true });
  expect(oncall).not.toHaveBeenCalled();
});

describe('without rows', () => {
  test('it says that there are none yet', async () => {
    await list(pageOf([]));
    expect((await screen.findByTestId('history-empty')).textContent).toContain('No calls yet');
  });

  test('it says that it is reading until it has read', async () => {
    let answer: (page: HistoryPage) => void = () => undefined;
    const history = new History({
      historyPage: () => new Promise<HistoryPage>((resolve) => (answer = resolve)),
    } as unknown as Backend);
    render(HistoryList, { history, line: null, oncall: vi.fn(), onchoose: vi.fn(), onopen: vi.fn() });
    const reading = history.reload();
    expect(screen.getByTestId('history-loading')).toBeTruthy();
    answer({ rows: [aRow()], next: null });
    await reading;
    expect(await screen.findByTestId('history-row')).toBeTruthy();
    expect(screen.queryByTestId('history-loading')).toBeNull();
  });

  test('a refusal is shown in the core’s words and can be tried again', async () => {
    let refuse = true;
    await list(async () => {
      if (refuse) throw { code: 'history', message: 'The profile folder cannot be read.' };
      return { rows: [aRow()], next: null };
    });
    expect((await screen.findByTestId('history-refused')).textContent).toContain('The profile folder cannot be read.');
    refuse = false;
    await fireEvent.click(screen.getByText('Try again'));
    expect(await screen.findByTestId('history-row')).toBeTruthy();
    expect(screen.queryByTestId('history-refused')).toBeNull();
  });
});
