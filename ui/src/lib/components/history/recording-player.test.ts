import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import type { PlayerView, RecordingOutline } from '../../backend/backend';
import RecordingPlayer from './RecordingPlayer.svelte';

const outline: RecordingOutline = { length_ms: 252_000, desk: [2, 200, 2], far: [200, 2, 90] };

function shown(change: { player?: PlayerView | null; busy?: boolean; load?: () => Promise<RecordingOutline> } = {}) {
  const asked = { onplay: vi.fn(async () => undefined), onhalt: vi.fn(async () => undefined) };
  const props = { call: 'c', who: 'Elena Marchetti', player: null, busy: false, load: async () => outline, ...asked, ...change };
  return { ...asked, props, ...render(RecordingPlayer, props) };
}
const playing = (change: Partial<PlayerView> = {}): PlayerView => ({
  call: 'c',
  from_ms: 96_000,
  began_at_ms: Date.now(),
  problem: null,
  ...change,
});
const place = () => screen.findByRole('slider', { name: 'Place in the recording' });

test('it is heard from the place that was chosen, and goes on there after a stop', async () => {
  const { onplay, onhalt, rerender, props } = shown();
  const slider = await place();
  expect(slider.getAttribute('aria-valuetext')).toBe('0:00 of 4:12');
  await fireEvent.keyDown(slider, { key: 'ArrowRight' });
  await fireEvent.keyDown(slider, { key: 'ArrowRight' });
  await fireEvent.click(screen.getByTestId('player-play'));
  expect(onplay).toHaveBeenLastCalledWith(10_000);
  await rerender({ ...props, player: playing() });
  expect(screen.getByTestId('player-at').textContent).toBe('1:36');
  await fireEvent.keyDown(slider, { key: 'ArrowLeft' });
  expect(onplay.mock.lastCall).toEqual([expect.toSatisfy((ms: number) => ms >= 91_000 && ms < 92_000)]);
  await fireEvent.keyDown(slider, { key: ' ' });
  expect(onhalt).toHaveBeenCalledOnce();
  await rerender({ ...props, player: null });
  await waitFor(() => expect(screen.getByTestId('player-at').textContent).toBe('1:36'));
  expect(screen.getByRole('button', { name: 'Play the recording' })).toBeTruthy();
});

test('heard to its end it begins anew', async () => {
  const { rerender, props } = shown({ player: playing({ from_ms: 251_900, began_at_ms: Date.now() - 5_000 }) });
  await waitFor(() => expect(screen.getByTestId('player-at').textContent).toBe('4:12'));
  await rerender({ ...props, player: null });
  await waitFor(() => expect(screen.getByTestId('player-at').textContent).toBe('0:00'));
});

test('a call has the sound: nothing is asked for, and the reason is there', async () => {
  const { onplay } = shown({ busy: true });
  await place();
  const button = screen.getByTestId('player-play');
  await fireEvent.click(button);
  expect(onplay).not.toHaveBeenCalled();
  const why = document.getElementById(button.getAttribute('aria-describedby') ?? '');
  expect(why?.textContent).toContain('A call is using the sound');
});

test('a file that is gone is said, and read again when asked', async () => {
  const load = vi.fn<() => Promise<RecordingOutline>>();
  load.mockRejectedValueOnce({ code: 'recording', message: 'The recording cannot be opened.' }).mockResolvedValue(outline);
  shown({ load });
  const said = await screen.findByTestId('player-problem');
  expect(said.textContent).toContain('cannot be opened');
  await fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await place()).toBeTruthy();
  expect(screen.queryByTestId('player-problem')).toBeNull();
});

test('without a speaker the reason is said, and another recording’s playing is none of its own', async () => {
  const { rerender, props } = shown({ player: playing({ began_at_ms: null, problem: 'No speaker takes the sound.' }) });
  expect((await screen.findByTestId('player-problem')).textContent).toContain('No speaker');
  await rerender({ ...props, player: playing({ call: 'other' }) });
  expect(screen.getByTestId('player').dataset['playing']).toBe('false');
});
