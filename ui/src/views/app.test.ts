import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakePhone } from '../lib/backend/fake';
import App from './App.svelte';
import Overlay from './Overlay.svelte';

beforeEach(() => {
  location.hash = '';
});
afterEach(() => {
  vi.useRealTimers();
});

async function app(scene = 'empty') {
  const fake = new FakePhone(scene, 0);
  render(App, { backend: fake });
  await screen.findByText('This desk will ring');
  return fake;
}
const type = async (...keys: string[]) => {
  for (const key of keys) await fireEvent.keyDown(document.activeElement ?? document.body, { key });
};
const withControl = (key: string, shiftKey = false) =>
  fireEvent.keyDown(document.body, { key, ctrlKey: true, shiftKey });
const field = () => screen.getByTestId<HTMLInputElement>('dial-input');
const callState = () => screen.queryByTestId('call-panel')?.dataset['state'];

describe('the dialler', () => {
  test('takes keys from anywhere, dials on Enter and is empty after the call', async () => {
    await app();
    await type('+');
    expect(field().value).toBe('+');
    await fireEvent.input(field(), { target: { value: '+12125550101' } });
    await fireEvent.submit(field());
    expect(await screen.findByTestId('call-panel')).toBeTruthy();
    expect((await screen.findByTestId('ended-title')).textContent).toBe('Busy');
    expect(field().value).toBe('');
  });

  test('takes a paste from anywhere', async () => {
    await app();
    await fireEvent.paste(document.body, { clipboardData: { getData: () => 'tel:+1-212-555-0100' } });
    expect(field().value).toBe('+12125550100');
  });

  test('letters may be typed; the core answers the call with a notice and the text stays', async () => {
    await app();
    await fireEvent.input(field(), { target: { value: 'FLOWERS' } });
    await fireEvent.submit(field());
    expect((await screen.findByTestId('notice')).textContent).toContain('FLOWERS is not a phone number');
    expect(field().value).toBe('FLOWERS');
    await type('Escape');
    expect(field().value).toBe('');
  });
});

test('a call is answered, muted, sent keys and ended by keyboard; Esc does not end it', async () => {
  const fake = await app();
  fake.ring();
  expect(await screen.findByTestId('incoming-strip')).toBeTruthy();
  await withControl('A', true);
  await vi.waitFor(() => expect(callState()).toBe('live'));
  await type('m');
  await vi.waitFor(() => expect(screen.getByTestId('call-mute').getAttribute('aria-pressed')).toBe('true'));
  await type('k', '4', '#');
  await vi.waitFor(() => expect(screen.getByTestId('call-keys-sent').textContent).toBe('4#'));
  await type('Escape', 'Escape', 'Enter');
  expect(callState()).toBe('live');
  await withControl('D', true);
  expect((await screen.findByTestId('ended-title')).textContent).toBe('You hung up');
});

test('an incoming call is announced once, and is on every screen', async () => {
  const fake = await app();
  await withControl('2');
  const id = fake.ring('+13125550142');
  expect((await screen.findByTestId('announcement')).textContent).toBe('Incoming call, Elena Marchetti, Main line');
  expect(screen.getByTestId('nav-history').getAttribute('aria-current')).toBe('page');
  await withControl('S', true);
  await vi.waitFor(() => expect(screen.getByTestId('incoming-silence').textContent).toContain('Silenced'));
  await withControl('D', true);
  await vi.waitFor(() => expect(screen.queryByTestId('incoming-strip')).toBeNull());
  expect(screen.getByTestId('announcement').textContent).toBe('');
  expect(within(screen.getByTestId('history-list')).getByTestId('history-row').dataset['call']).toBe(id);
});

test('a live call stays in sight on other screens and starts with a closed keypad', async () => {
  const fake = await app();
  fake.ring();
  await withControl('A', true);
  await vi.waitFor(() => expect(callState()).toBe('live'));
  expect(screen.queryByTestId('incall-key-1')).toBeNull();
  await withControl('3');
  const mini = await screen.findByTestId('mini-call');
  await fireEvent.click(within(mini).getByTestId('mini-end'));
  await vi.waitFor(() => expect(screen.queryByTestId('mini-call')).toBeNull());
});

test('a call back from History shows the phone and dials', async () => {
  await app('');
  await withControl('2');
  const [button] = await screen.findAllByTestId('history-call-back');
  await fireEvent.click(button as HTMLElement);
  expect((await screen.findByTestId('call-number')).textContent).toBe('(312) 555-0142');
});

test('why the desk does not ring stands in the navigation and above the dialler, with a way to try now', async () => {
  const fake = new FakePhone('offline', 0);
  render(App, { backend: fake });
  expect((await screen.findByTestId('line-banner')).textContent).toMatch(
    /LiveKit cannot be reached.*Next try in 1\d s/,
  );
  expect(screen.getByTestId('line-status').dataset['state']).toBe('unreachable');
  await fireEvent.click(screen.getByTestId('line-retry'));
  expect(await screen.findByText('This desk will ring')).toBeTruthy();
  expect(screen.queryByTestId('line-banner')).toBeNull();
});

describe('the overlay window', () => {
  test('ignores clicks for 300 ms from the moment a call is drawn', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const fake = new FakePhone('empty', 0);
    render(Overlay, { backend: fake });
    await vi.advanceTimersByTimeAsync(1_000);
    fake.ring();
    await vi.advanceTimersByTimeAsync(200);
    const state = () => screen.getByTestId('overlay').dataset['state'];
    screen.getByTestId('overlay-answer').click();
    await vi.advanceTimersByTimeAsync(0);
    expect(state()).toBe('offered');
    await vi.advanceTimersByTimeAsync(150);
    expect(screen.getByTestId('overlay').dataset['armed']).toBe('true');
    screen.getByTestId('overlay-answer').click();
    await vi.advanceTimersByTimeAsync(50);
    expect(state()).toBe('live');
  });

  test('a window that comes into sight later starts its 300 ms then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const fake = new FakePhone('ringing', 0);
    render(Overlay, { backend: fake });
    await vi.advanceTimersByTimeAsync(1_000);
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(100);
    expect(screen.getByTestId('overlay').dataset['armed']).toBe('false');
    await vi.advanceTimersByTimeAsync(250);
    expect(screen.getByTestId('overlay').dataset['armed']).toBe('true');
  });

  test('shows what the core says about this ring, and nothing older', async () => {
    const fake = new FakePhone('empty', 0);
    fake.notify('Type a number first.');
    render(Overlay, { backend: fake });
    await screen.findByTestId('overlay-empty');
    fake.ring();
    await screen.findByTestId('overlay-answer');
    expect(screen.queryByTestId('overlay-notice')).toBeNull();
    fake.notify('The caller still rings: press Answer again.');
    expect((await screen.findByTestId('overlay-notice')).textContent).toBe(
      'The caller still rings: press Answer again.',
    );
  });

  test('says how the call it was raised for went on', async () => {
    const fake = new FakePhone('empty', 0);
    render(Overlay, { backend: fake });
    await screen.findByTestId('overlay-empty');
    const id = fake.ring();
    await screen.findByTestId('overlay-answer');
    fake.farEndHangsUp(id);
    expect((await screen.findByTestId('overlay-words')).textContent).toBe('Missed');
  });
});
