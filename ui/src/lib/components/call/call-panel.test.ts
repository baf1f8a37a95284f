import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aCall, aLine, aRow, anEndedCall } from '../../../testing/views';
import type { CallView } from '../../backend/backend';
import CallPanel from './CallPanel.svelte';
import EndedCard from './EndedCard.svelte';
import MiniCall from './MiniCall.svelte';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_008_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function panel(change: Partial<CallView> = {}, keypadOpen = false) {
  const acts = { onmute: vi.fn(), onkeypad: vi.fn(), onkey: vi.fn(), onend: vi.fn() };
  const view = render(CallPanel, {
    call: aCall(change),
    line: aLine(),
    earlier: [aRow({ words: 'You called', duration_s: 61 })],
    keypadOpen,
    ...acts,
  });
  return { ...acts, ...view };
}

test('shows who, the state in the core’s words and a timer that ticks from the answer', async () => {
  panel({ name: 'Elena Marchetti', words: 'Talking' });
  expect(screen.getByTestId('call-panel').dataset['state']).toBe('live');
  expect(screen.getByTestId('call-name').textContent).toBe('Elena Marchetti');
  expect(screen.getByTestId('call-number').textContent).toBe('(212) 555-0100');
  expect(screen.getByTestId('call-words').textContent).toBe('Talking');
  expect(screen.getByTestId('call-timer').textContent).toBe('00:00');
  await vi.advanceTimersByTimeAsync(65_000);
  expect(screen.getByTestId('call-timer').textContent).toBe('01:05');
});

test('before the answer there is no timer, and without a name the number leads', () => {
  panel({ state: 'remote_ringing', words: 'Ringing', answered_at_ms: null });
  expect(screen.queryByTestId('call-timer')).toBeNull();
  expect(screen.getByTestId('call-number').tagName).toBe('H1');
  expect(screen.getByTestId('call-words').textContent).toBe('Ringing');
});

test('the buttons send what they say', async () => {
  const { onmute, onkeypad, onend } = panel();
  await fireEvent.click(screen.getByTestId('call-mute'));
  await fireEvent.click(screen.getByTestId('call-keypad'));
  await fireEvent.click(screen.getByTestId('call-end'));
  expect([onmute, onkeypad, onend].map((act) => act.mock.calls.length)).toEqual([1, 1, 1]);
});

test('muted is a pressed button with another word, and the words of the state', () => {
  panel({ muted: true, words: 'Your microphone is off' });
  expect(screen.getByTestId('call-mute').getAttribute('aria-pressed')).toBe('true');
  expect(screen.getByTestId('call-mute').textContent).toMatch(/^\s*Muted/);
  expect(screen.getByTestId('call-words').parentElement?.className).toContain('chip--warn');
});

test('while reconnecting the words become an alert and the timer goes on', () => {
  panel({ reconnecting: true, words: 'Connection lost. Trying again.' });
  expect(screen.getByRole('alert').textContent).toContain('Connection lost. Trying again.');
  expect(screen.getByTestId('call-words').textContent).toBe('Connection lost. Trying again.');
  expect(screen.getByTestId('call-timer')).toBeTruthy();
  expect(screen.getByTestId<HTMLButtonElement>('call-end').disabled).toBe(false);
});

test('nothing can be pressed twice while the call ends', () => {
  panel({ state: 'ending', words: 'Ending' });
  for (const id of ['call-mute', 'call-keypad', 'call-end'])
    expect(screen.getByTestId<HTMLButtonElement>(id).disabled).toBe(true);
});

describe('keys', () => {
  test('the open keypad sends each key, and shows what was sent and received', async () => {
    const { onkey } = panel({ keys_sent: '12#', keys_received: '47' }, true);
    await fireEvent.click(screen.getByTestId('incall-key-5'));
    await fireEvent.click(screen.getByTestId('incall-key-star'));
    expect(onkey.mock.calls).toEqual([['5'], ['*']]);
    expect(screen.getByTestId('call-keys-sent').textContent).toBe('12#');
    expect(screen.getByTestId('call-keys-received').textContent).toBe('47');
  });

  test('the closed one leaves its place to the calls before', () => {
    panel();
    expect(screen.queryByTestId('incall-key-5')).toBeNull();
    expect(screen.getByText(/You called/, { selector: 'li span' }).parentElement?.textContent).toContain('1 min 1 s');
  });
});

describe('a call that has ended', () => {
  test('says what happened and what to do, in the core’s words', async () => {
    const onagain = vi.fn();
    const ondismiss = vi.fn();
    render(EndedCard, { call: anEndedCall(), onagain, ondismiss });
    expect(screen.getByTestId('ended-title').textContent).toBe('Busy');
    expect(screen.getByTestId('ended-advice').textContent).toBe('Try again in a few minutes.');
    await fireEvent.click(screen.getByText('Call again'));
    await fireEvent.click(screen.getByTestId('ended-dismiss'));
    expect([onagain.mock.calls.length, ondismiss.mock.calls.length]).toEqual([1, 1]);
  });

  test('and was missed offers to call back; one without a number offers nothing', () => {
    const end = { reason: 'missed', title: 'Missed', advice: null, sip_code: null, missed: true };
    const missed = anEndedCall({ direction: 'inbound', end });
    const first = render(EndedCard, { call: missed, onagain: vi.fn(), ondismiss: vi.fn() });
    expect(screen.getByText('Call back')).toBeTruthy();
    expect(screen.queryByTestId('ended-advice')).toBeNull();
    first.unmount();
    render(EndedCard, {
      call: { ...missed, number: '', number_shown: 'Private number' },
      onagain: vi.fn(),
      ondismiss: vi.fn(),
    });
    expect(screen.queryByTestId('ended-again')).toBeNull();
  });

  test('after talking shows how long', () => {
    render(EndedCard, {
      call: anEndedCall({ answered_at_ms: 1_000_000, ended_at_ms: 1_063_000 }),
      onagain: vi.fn(),
      ondismiss: vi.fn(),
    });
    expect(screen.getByText(/Talked 1 min 3 s/)).toBeTruthy();
  });
});

test('on other screens the call keeps its name, timer, Mute and End', async () => {
  const onmute = vi.fn();
  const onend = vi.fn();
  render(MiniCall, { call: aCall({ name: 'Elena Marchetti' }), onmute, onend });
  expect(screen.getByRole('group', { name: 'Call with Elena Marchetti' })).toBeTruthy();
  expect(screen.getByRole('timer').textContent).toBe('00:00');
  await fireEvent.click(screen.getByRole('button', { name: 'Mute microphone' }));
  await fireEvent.click(screen.getByRole('button', { name: 'End call' }));
  expect([onmute.mock.calls.length, onend.mock.calls.length]).toEqual([1, 1]);
});
