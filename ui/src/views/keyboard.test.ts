import { fireEvent, screen } from '@testing-library/svelte';
import { beforeEach, expect, test, vi } from 'vitest';
import { openApp } from '../testing/app';

beforeEach(() => {
  location.hash = '';
});

const app = (scene: string) => openApp(scene);
const press = (key: string, change: Partial<KeyboardEvent> = {}) =>
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...change });
/** What Tab stops at, in order. */
function stops(): string[] {
  const reached = 'a[href], button:not([disabled]), input:not([disabled]), [tabindex="0"]';
  return [...document.querySelectorAll<HTMLElement>(reached)]
    .filter((one) => one.tabIndex === 0)
    .map((one) => one.dataset['testid'] ?? one.getAttribute('aria-label') ?? one.tagName);
}
/** Presses what has the focus, as Enter does. */
const enter = () => fireEvent.click(document.activeElement as HTMLElement);

test('Tab goes through navigation, strips, controls, content', async () => {
  await app('live-held-ringing');
  expect(stops()).toEqual([
    ...['availability', 'availability-switch', 'find', 'nav-phone', 'nav-history', 'nav-contacts', 'nav-lines', 'nav-settings'],
    ...['answer-hold', 'incoming-decline', 'incoming-silence', 'answer-end'],
    ...['call-sound', 'call-mute', 'earlier-all'],
    ...['call-swap', 'aside-end'],
  ]);
});

test('the region keys go round, through every call', async () => {
  await app('live-held-ringing');
  const seen: (string | undefined)[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    await press('F6');
    seen.push((document.activeElement as HTMLElement).dataset['testid']);
  }
  expect(seen).toEqual(['availability', 'answer-hold', 'call-mute', 'call-swap', 'availability']);
});

test('a call is held, swapped, transferred and ended without a pointer, and the focus is never lost', async () => {
  const fake = await app('live');
  screen.getByTestId('call-mute').focus();
  await press('ArrowRight');
  await enter();
  await vi.waitFor(() => expect(fake.calls[0]?.held).toBe(true));
  expect(document.activeElement).toBe(screen.getByTestId('call-hold'));
  await press('h');
  await vi.waitFor(() => expect(fake.calls[0]?.held).toBe(false));
  screen.getByTestId('call-transfer').focus();
  await press('t');
  expect(document.activeElement).toBe(await screen.findByTestId('transfer-number'));
  await press('Escape');
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('call-transfer')));
  await press('t');
  await fireEvent.input(await screen.findByTestId('transfer-number'), { target: { value: 'northgate' } });
  await fireEvent.submit(screen.getByTestId('transfer-number'));
  await screen.findByTestId('private-hand-over');
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('call-mute')));
  await press('D', { ctrlKey: true, shiftKey: true });
  expect((await screen.findByTestId('ended-title')).textContent).toBe('You hung up');
});

test('digits typed in a picker are no tones, and letters no commands', async () => {
  const fake = await app('live');
  await press('p');
  (await screen.findByTestId('add-number')).focus();
  for (const key of ['m', 'h', '5', 'x']) await press(key);
  expect(fake.calls[0]).toMatchObject({ muted: false, held: false, keys_sent: '' });
});
