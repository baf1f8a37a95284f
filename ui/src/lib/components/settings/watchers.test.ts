import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import type { WatchersDraft } from '../../backend/backend';
import { FakePhone } from '../../backend/fake';
import { Desk } from '../../desk/desk.svelte';
import Watchers from './Watchers.svelte';

async function form() {
  const backend = new FakePhone('');
  const desk = new Desk(backend);
  await desk.connect();
  render(Watchers, { props: { backend, desk } });
  await fireEvent.click(await screen.findByTestId('watch-webhook'));
  return { backend, desk };
}

test('a port that is none reaches the core, which says what is wrong, and stays as typed', async () => {
  const { backend } = await form();
  const told: WatchersDraft[] = [];
  vi.spyOn(backend, 'watchersSet').mockImplementation(async (draft) => {
    told.push(draft);
    throw { code: 'bad_setting', message: 'The port is a number from 1 to 65535.' };
  });
  for (const typed of ['878741125', '', '12.5', '-1']) {
    await fireEvent.input(screen.getByTestId('watch-port'), { target: { value: typed } });
    await fireEvent.click(screen.getByTestId('watch-save'));
    await screen.findByText('The port is a number from 1 to 65535.');
    expect(screen.getByTestId<HTMLInputElement>('watch-port').value).toBe(typed);
  }
  expect(told.map((draft) => draft.port)).toEqual([0, 0, 0, 0]);
});

test('what is saved is what was typed', async () => {
  const { desk } = await form();
  await fireEvent.input(screen.getByTestId('watch-port'), { target: { value: '41125' } });
  await fireEvent.click(screen.getByTestId('watch-save'));
  await vi.waitFor(() => expect(desk.watchers.view?.wanted).toMatchObject({ webhook: true, port: 41125 }));
  await vi.waitFor(() => expect(screen.getByTestId<HTMLButtonElement>('watch-save').disabled).toBe(true));
});
