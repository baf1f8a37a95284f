import { fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Backend } from '../lib/backend/backend';
import { FakePhone } from '../lib/backend/fake';
import { openApp } from '../testing/app';
import App from './App.svelte';
import { prefetch } from './later';
import Overlay from './Overlay.svelte';

beforeAll(prefetch);
beforeEach(() => {
  location.hash = '';
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});
afterEach(() => {
  vi.useRealTimers();
});

const app = (scene = 'empty') => openApp(scene);
const type = async (...keys: string[]) => {
  for (const key of keys) await fireEvent.keyDown(document.activeElement ?? document.body, { key });
};
const withControl = (key: string, shiftKey = false) =>
  fireEvent.keyDown(document.body, { key, ctrlKey: true, shiftKey });
const field = () => screen.getByTestId<HTMLInputElement>('dial-input');
const callState = () => screen.queryByTestId('call-panel')?.dataset['state'];

describe('the start', () => {
  test('the first picture is drawn from what the page began with; everything else is asked for behind it', async () => {
    const fake = new FakePhone('', 0);
    const painted = vi.fn<Backend['painted']>().mockResolvedValue();
    Object.assign(fake, { painted });
    const others = vi.spyOn(fake, 'historyPage');
    vi.spyOn(fake, 'snapshot').mockReturnValue(new Promise(() => undefined));
    render(App, { backend: fake });
    expect(field().value).toBe('');
    expect(screen.getByText('This desk will ring')).toBeTruthy();
    expect(others).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(painted).toHaveBeenCalledTimes(1));
    expect(painted.mock.calls[0]?.[1]?.map((moment) => moment.name)).toEqual(
      expect.arrayContaining(['page', 'known', 'laid_out']),
    );
    expect((await screen.findAllByTestId('recent-row')).length).toBeGreaterThan(0);
    expect(painted).toHaveBeenCalledTimes(1);
  });

  test('a page that was not given anything asks, and draws then', async () => {
    const fake = new FakePhone('', 0);
    Object.assign(fake, { start: () => null });
    render(App, { backend: fake });
    expect(screen.queryByTestId('dial-input')).toBeNull();
    expect(await screen.findByTestId('dial-input')).toBeTruthy();
  });
});

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

describe('suggestions while typing', () => {
  const typeIn = (value: string) => fireEvent.input(field(), { target: { value } });

  test('letters find people: Enter calls the first, the keys choose another', async () => {
    await app('');
    await typeIn('d');
    expect((await screen.findAllByTestId('dial-option')).map((one) => one.textContent)).toEqual([
      expect.stringContaining('Northgate Dental'),
      expect.stringContaining('Harbor Street'),
    ]);
    await fireEvent.keyDown(field(), { key: 'ArrowDown' });
    expect(screen.getByTestId('dial-call').textContent).toContain('Call Harbor Street');
    await fireEvent.submit(field());
    expect((await screen.findByTestId('call-number')).textContent).toBe('(312) 555-0148');
  });

  test('digits are dialled as they stand, whoever they may mean', async () => {
    const fake = await app('');
    const dial = vi.spyOn(fake, 'dial');
    await typeIn('312555014');
    expect((await screen.findAllByTestId('dial-option')).length).toBe(2);
    expect(screen.getAllByTestId('dial-option').map((one) => one.ariaSelected)).toEqual(['false', 'false']);
    await fireEvent.submit(field());
    expect(dial.mock.calls).toEqual([['312555014']]);
  });

  test('an empty field brings back the last number first, and calls it then', async () => {
    const fake = await app('');
    const dial = vi.spyOn(fake, 'dial');
    expect((await screen.findByText('Redial Northgate Dental…')).textContent).toBeTruthy();
    await type('Enter');
    expect(field().value).toBe('+16465550171');
    expect(dial).not.toHaveBeenCalled();
    await type('Enter');
    expect(dial.mock.calls).toEqual([['+16465550171']]);
  });
});

describe('find or dial', () => {
  const typeIn = (value: string) => fireEvent.input(screen.getByTestId('palette-input'), { target: { value } });
  const enter = () => fireEvent.keyDown(screen.getByTestId('palette-input'), { key: 'Enter' });

  test('calls a person by name from any screen', async () => {
    await app('');
    await withControl('5');
    await withControl('k');
    expect(document.activeElement).toBe(await screen.findByTestId('palette-input'));
    await typeIn('tan');
    await enter();
    expect((await screen.findByTestId('call-name')).textContent).toBe('Aiko Tanaka');
    expect(screen.queryByTestId('palette')).toBeNull();
  });

  test('dials what was typed before whom it may mean', async () => {
    const fake = await app('');
    const dial = vi.spyOn(fake, 'dial');
    await withControl('k');
    await screen.findByTestId('palette');
    await typeIn('911');
    await enter();
    expect(dial.mock.calls).toEqual([['911']]);
  });

  test('does what can be done now, and nothing else', async () => {
    const fake = await app('live');
    await withControl('k');
    await screen.findByTestId('palette');
    await typeIn('hold');
    await enter();
    await vi.waitFor(() => expect(fake.calls[0]?.held).toBe(true));
    await withControl('k');
    await screen.findByTestId('palette');
    await typeIn('resume');
    expect(screen.getAllByTestId('palette-do')).toHaveLength(1);
  });
});

describe('availability', () => {
  const words = () => screen.getByTestId('availability-words').textContent;

  test('the switch turns the desk off and on, and the foot says so', async () => {
    await app();
    await fireEvent.click(screen.getByTestId('availability-switch'));
    await vi.waitFor(() => expect(words()).toBe('Not taking calls'));
    expect(screen.getByTestId('line-words').textContent).toBe('Not ringing here');
    expect(screen.getByTestId('line-quiet').textContent).toContain('Nothing rings here');
    await fireEvent.click(screen.getByTestId('availability-switch'));
    await vi.waitFor(() => expect(screen.getByTestId('line-words').textContent).toBe('This desk will ring'));
  });

  test('the menu is used by keyboard: it opens on the choice now, Esc goes back, Enter chooses', async () => {
    const fake = await app();
    const set = vi.spyOn(fake, 'setAvailability');
    await fireEvent.click(screen.getByTestId('availability'));
    await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('availability-take')));
    await type('ArrowDown', 'Escape');
    expect(screen.queryByTestId('availability-menu')).toBeNull();
    expect(document.activeElement).toBe(screen.getByTestId('availability'));
    await fireEvent.click(screen.getByTestId('availability'));
    await fireEvent.click(await screen.findByTestId('availability-off'));
    expect(set.mock.calls).toEqual([[{ state: 'do_not_disturb', until_ms: null }]]);
  });

  test('another time is one of the half hours to come', async () => {
    const fake = await app();
    const set = vi.spyOn(fake, 'setAvailability');
    await fireEvent.click(screen.getByTestId('availability'));
    await fireEvent.click(await screen.findByTestId('availability-other'));
    const [first] = await screen.findAllByTestId('availability-time');
    await fireEvent.click(first as HTMLElement);
    const chosen = set.mock.calls[0]?.[0];
    const until = chosen?.state === 'do_not_disturb' ? (chosen.until_ms ?? 0) : 0;
    expect(until % 1_800_000).toBe(0);
    expect(until).toBeGreaterThan(Date.now());
  });
});

describe('several calls', () => {
  test('a second one is answered with the first on hold; swapping and ending keep one of them talked on', async () => {
    const fake = await app('live');
    fake.ring('+16465550171');
    await withControl('A', true);
    await vi.waitFor(() => expect(screen.getByTestId('call-name').textContent).toBe('Northgate Dental'));
    await vi.waitFor(() => expect(callState()).toBe('live'));
    expect(screen.getByTestId('aside-held').textContent).toContain('Elena Marchetti');
    await type('x');
    await vi.waitFor(() => expect(screen.getByTestId('call-name').textContent).toBe('Elena Marchetti'));
    expect(fake.calls.filter((call) => !call.held).map((call) => call.name)).toEqual(['Elena Marchetti']);
    await withControl('D', true);
    await vi.waitFor(() => expect(screen.getByTestId('call-name').textContent).toBe('Northgate Dental'));
    expect(screen.getByTestId('call-panel').dataset['held']).toBe('true');
  });

  test('a colleague is asked first and given the call by keyboard', async () => {
    const fake = await app('live');
    await type('t');
    await fireEvent.input(await screen.findByTestId('transfer-number'), { target: { value: '+12125550117' } });
    await fireEvent.submit(screen.getByTestId('transfer-number'));
    await screen.findByTestId('private-hand-over');
    expect(fake.calls[0]?.people.map((one) => one.state)).toEqual(['waiting', 'up']);
    await fireEvent.click(screen.getByTestId('private-hand-over'));
    expect((await screen.findByTestId('aside-handed_over')).textContent).toContain('Maria Lindqvist');
    expect(screen.getByTestId('dial-input')).toBeTruthy();
  });

  test('a number that is none keeps the picker and what was typed', async () => {
    const fake = await app('live');
    await type('t');
    await fireEvent.input(await screen.findByTestId('transfer-number'), { target: { value: 'nobody here' } });
    await fireEvent.submit(screen.getByTestId('transfer-number'));
    expect((await screen.findByTestId('notice')).textContent).toContain('nobody here is not a phone number');
    expect(screen.getByTestId<HTMLInputElement>('transfer-number').value).toBe('nobody here');
    await fireEvent.click(screen.getByTestId('transfer-how-send'));
    await fireEvent.input(screen.getByTestId('transfer-number'), { target: { value: '+12125550101' } });
    await fireEvent.submit(screen.getByTestId('transfer-number'));
    await vi.waitFor(() => expect(fake.calls[0]?.transfer?.state).toBe('failed'));
    expect((await screen.findByTestId('transfer-state')).dataset['state']).toBe('failed');
    expect(screen.queryByTestId('transfer-picker')).toBeNull();
  });

  test('the picker of another person closes once they are called', async () => {
    const fake = await app('conference');
    await type('p');
    await fireEvent.click(await screen.findByTestId('add-how-introduce'));
    await fireEvent.input(screen.getByTestId('add-number'), { target: { value: '+14155550155' } });
    await fireEvent.submit(screen.getByTestId('add-number'));
    await vi.waitFor(() => expect(screen.queryByTestId('add-picker')).toBeNull());
    expect(fake.calls[0]?.people.map((one) => one.name)).toContain('Aiko Tanaka');
    await vi.waitFor(() => expect(screen.getByTestId('people').textContent).toContain('Aiko Tanaka'));
  });

  test('Esc closes the picker and the call goes on', async () => {
    await app('live');
    await type('p');
    await screen.findByTestId('add-picker');
    await type('Escape', 'Escape');
    expect(screen.queryByTestId('add-picker')).toBeNull();
    expect(callState()).toBe('live');
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

test('a caller whom a rule keeps quiet is shown and not announced', async () => {
  const fake = await app();
  fake.ring('+13125550142', { quiet: true });
  await screen.findByTestId('incoming-strip');
  expect(screen.getByTestId('announcement').textContent).toBe('');
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
  await withControl('5');
  const mini = await screen.findByTestId('mini-call');
  await fireEvent.click(within(mini).getByTestId('mini-end'));
  await vi.waitFor(() => expect(screen.queryByTestId('mini-call')).toBeNull());
});

test('a call back from History shows the phone and dials', async () => {
  await app('');
  await withControl('2');
  await fireEvent.click(await screen.findByTestId('detail-call'));
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

test('a headset that is gone is said where calls are made, and once it is back no more', async () => {
  const fake = await app();
  expect(screen.queryByTestId('devices-banner')).toBeNull();
  fake.unplug();
  expect((await screen.findByTestId('devices-banner')).textContent).toContain('Connect a headset');
  fake.plug();
  await vi.waitFor(() => expect(screen.queryByTestId('devices-banner')).toBeNull());
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

  test('is about the friend who rings, not about the stranger who waits quietly', async () => {
    const fake = new FakePhone('empty', 0);
    render(Overlay, { backend: fake });
    fake.ring('+13125550188', { quiet: true, silenced: true });
    await screen.findByTestId('overlay-empty');
    const friend = fake.ring('+12125550142');
    await screen.findByTestId('overlay-answer');
    expect(screen.getByTestId('overlay').dataset['call']).toBe(friend);
    fake.farEndHangsUp(friend);
    expect((await screen.findByTestId('overlay-words')).textContent).toBe('Missed');
    expect(screen.getByTestId('overlay').dataset['call']).toBe(friend);
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
