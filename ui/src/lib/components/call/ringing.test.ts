import { render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { aCall, aLine, anEndedCall, aRingingCall } from '../../../testing/views';
import type { CallView } from '../../backend/backend';
import IncomingStrip from './IncomingStrip.svelte';
import OverlayCard from './OverlayCard.svelte';

afterEach(() => {
  vi.useRealTimers();
});

const acts = () => ({ onanswer: vi.fn(), ondecline: vi.fn(), onsilence: vi.fn(), ondismiss: vi.fn() });
const counts = (did: ReturnType<typeof acts>) =>
  [did.onanswer, did.ondecline, did.onsilence].map((act) => act.mock.calls.length);

/** Presses all three as a person would: a disabled button does not react. */
function pressAll(prefix: 'incoming' | 'overlay') {
  for (const id of ['answer', 'decline', 'silence']) screen.getByTestId(`${prefix}-${id}`).click();
}

function overlay(change: Partial<CallView> = {}, armed = true) {
  const did = acts();
  render(OverlayCard, { call: aRingingCall(change), line: aLine({ number_shown: '(212) 555-0117' }), armed, ...did });
  return did;
}

describe('the overlay', () => {
  test('shows who, their number, the line dialled with its number, and how long they wait', () => {
    vi.useFakeTimers({ now: 1_008_000 });
    overlay({ name: 'Elena Marchetti' });
    expect(screen.getByTestId('overlay-caller').textContent?.trim()).toBe('Elena Marchetti');
    expect(screen.getByTestId('overlay-number').textContent).toBe('(212) 555-0100');
    expect(screen.getByTestId('overlay').textContent).toMatch(/Incoming call\s*· Main line\s*· \(212\) 555-0117/);
    expect(screen.getByTestId('overlay-waiting').textContent).toBe('0:08');
  });

  test('without a name the number is the caller', () => {
    overlay();
    expect(screen.getByTestId('overlay-caller').textContent?.trim()).toBe('(212) 555-0100');
    expect(screen.getByTestId('overlay-number').textContent).toBe('(212) 555-0100');
  });

  test('says who is answering elsewhere, in the core’s words, and can still be answered here', () => {
    overlay({ words: 'Maria is answering' });
    expect(screen.getByTestId('overlay-words').textContent).toBe('Maria is answering');
    expect(screen.getByTestId<HTMLButtonElement>('overlay-answer').disabled).toBe(false);
  });

  test('each button does its own thing', () => {
    const did = overlay();
    pressAll('overlay');
    expect(counts(did)).toEqual([1, 1, 1]);
  });

  test('ignores clicks until it is armed', () => {
    const did = overlay({}, false);
    pressAll('overlay');
    expect(counts(did)).toEqual([0, 0, 0]);
    expect(screen.getByTestId('overlay').dataset['armed']).toBe('false');
  });

  test.each([
    ['ends_for_caller', 'caller hears busy'],
    ['only_here', 'others ring'],
    ['caller_waits', 'caller keeps waiting'],
  ] as const)('Decline says its effect, as the core knows it: %s, %s', (decline_effect, effect) => {
    overlay({ decline_effect });
    expect(screen.getByTestId('overlay-decline').textContent).toContain(effect);
  });

  test('counts the other calls that ring', () => {
    render(OverlayCard, { call: aRingingCall(), besides: 1, armed: true, ...acts() });
    expect(screen.getByText('and 1 more')).toBeTruthy();
  });

  test('a long name takes the small form', () => {
    overlay({ name: 'Harbor Street Building Management' });
    expect(screen.getByTestId('overlay-caller').className).toContain('ov__name--long');
  });

  test('prints no shortcut: its window never has the keyboard', () => {
    overlay();
    expect(screen.getByTestId('overlay-answer').textContent?.trim()).toBe('Answer');
  });

  test('a silenced call can still be answered', () => {
    const did = overlay({ silenced: true });
    expect(screen.getByTestId('overlay-silence').textContent).toContain('Silenced');
    pressAll('overlay');
    expect(counts(did)).toEqual([1, 1, 0]);
  });

  test('while the claim runs nothing can be pressed', () => {
    const did = overlay({ state: 'claiming', words: 'Answering' });
    pressAll('overlay');
    expect(counts(did)).toEqual([0, 0, 0]);
    expect(screen.getByTestId('overlay-words').textContent).toBe('Answering');
  });

  test('once the call is over it says how, without buttons', () => {
    const end = { reason: 'missed', title: 'Missed', advice: null, sip_code: null, missed: true };
    render(OverlayCard, { call: anEndedCall({ end }), armed: true, ...acts() });
    expect(screen.getByTestId('overlay-words').textContent).toBe('Missed');
    expect(screen.queryByTestId('overlay-answer')).toBeNull();
  });
});

describe('a second call', () => {
  const over = aCall({ name: 'Elena Marchetti' });

  test('says what answering does to the first, and covers neither name', () => {
    const did = acts();
    render(OverlayCard, { call: aRingingCall({ name: 'Northgate Dental' }), over, armed: true, ...did });
    expect(screen.getByTestId('overlay').textContent).toMatch(/Northgate Dental.*Talking to Elena Marchetti/s);
    screen.getByTestId('answer-hold').click();
    screen.getByTestId('answer-end').click();
    expect(did.onanswer.mock.calls).toEqual([['hold'], ['end']]);
  });

  test('does not offer to hold a call that is not answered yet', () => {
    const did = acts();
    const dialling = aCall({ state: 'remote_ringing', answered_at_ms: null });
    render(IncomingStrip, { call: aRingingCall(), line: aLine(), besides: 0, over: dialling, ...did });
    expect(screen.queryByTestId('answer-hold')).toBeNull();
    screen.getByTestId('answer-end').click();
    expect(did.onanswer.mock.calls).toEqual([['end']]);
  });

  test('ending the first waits for the overlay to be armed, like the rest', () => {
    const did = acts();
    render(OverlayCard, { call: aRingingCall(), over, armed: false, ...did });
    screen.getByTestId('answer-end').click();
    expect(did.onanswer).not.toHaveBeenCalled();
  });
});

test('a call that a colleague took says who, and that it was not missed', () => {
  const end = {
    reason: 'answered_elsewhere',
    title: 'Maria is answering',
    advice: null,
    sip_code: null,
    missed: false,
  };
  render(OverlayCard, { call: anEndedCall({ name: 'Elena Marchetti', end }), armed: true, ...acts() });
  expect(screen.getByRole('heading').textContent?.trim()).toBe('Maria is answering');
  expect(screen.getByTestId('overlay-caller').textContent).toBe('Elena Marchetti');
  expect(screen.getByTestId('overlay').textContent).toContain('not as missed');
});

test('what is over is put away by its button, once the overlay is armed', async () => {
  const end = { reason: 'missed', title: 'Missed', advice: null, sip_code: null, missed: true };
  const did = acts();
  const { rerender } = render(OverlayCard, { call: anEndedCall({ end }), armed: false, ...did });
  screen.getByTestId('overlay-dismiss').click();
  expect(did.ondismiss).not.toHaveBeenCalled();
  await rerender({ armed: true });
  screen.getByTestId('overlay-dismiss').click();
  expect(did.ondismiss).toHaveBeenCalledOnce();
});

describe('what is remembered of the caller', () => {
  const remembered = { at_ms: 900_000, words: 'Asked for site access', missed: false };

  test('stands below the name while it rings', () => {
    render(OverlayCard, { call: aRingingCall({ remembered }), armed: true, ...acts() });
    expect(screen.getByTestId('overlay-remembered').textContent).toContain('Asked for site access');
  });

  test('gives way to the call that is talked on', () => {
    const over = aCall({ name: 'Elena Marchetti' });
    render(OverlayCard, { call: aRingingCall({ remembered }), over, armed: true, ...acts() });
    expect(screen.queryByTestId('overlay-remembered')).toBeNull();
    expect(screen.getByTestId('overlay').textContent).toContain('Talking to Elena Marchetti');
  });
});

test('a caller without a number is said to hide it', () => {
  render(OverlayCard, { call: aRingingCall({ number: '', number_shown: 'Private number' }), armed: true, ...acts() });
  expect(screen.getByTestId('overlay').textContent).toMatch(/Private number.*hides their number/s);
});

describe('the strip in the main window', () => {
  test('offers the same three, with the key it listens to', () => {
    const did = acts();
    render(IncomingStrip, { call: aRingingCall({ name: 'Elena Marchetti' }), line: aLine(), besides: 2, ...did });
    expect(screen.getByTestId('incoming-strip').textContent).toMatch(/Elena Marchetti.*\(212\) 555-0100/);
    expect(screen.getByTestId('incoming-strip').textContent).toContain('and 2 more');
    expect(screen.getByTestId('incoming-answer').textContent).toContain('Ctrl Shift A');
    pressAll('incoming');
    expect(counts(did)).toEqual([1, 1, 1]);
  });
});
