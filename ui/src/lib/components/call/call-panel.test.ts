import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aCall, aLine, aPerson, aRow, anEndedCall } from '../../../testing/views';
import type { CallView } from '../../backend/backend';
import type { Tool } from '../../phone/abilities';
import AsideStrip from './AsideStrip.svelte';
import CallPanel from './CallPanel.svelte';
import EndedCard from './EndedCard.svelte';
import MiniCall from './MiniCall.svelte';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_008_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function panel(change: Partial<CallView> = {}, tool: Tool | null = null) {
  const acts = {
    onmute: vi.fn(),
    onhold: vi.fn(),
    ontool: vi.fn(),
    onkey: vi.fn(),
    onend: vi.fn(),
    ontransfer: vi.fn(),
    onadd: vi.fn(),
    onmerge: vi.fn(),
    onhandover: vi.fn(),
    onalone: vi.fn(),
    ondrop: vi.fn(),
  };
  const view = render(CallPanel, {
    call: aCall(change),
    line: aLine(),
    earlier: [aRow({ words: 'You called', duration_s: 61 })],
    rows: [aRow({ number: '+12125550117', number_shown: '(212) 555-0117', name: 'Maria Lindqvist' })],
    tool,
    acts,
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
  const { onmute, onhold, ontool, onend } = panel();
  for (const id of ['mute', 'hold', 'keypad', 'transfer', 'add', 'end'])
    await fireEvent.click(screen.getByTestId(`call-${id}`));
  expect([onmute, onhold, onend].map((act) => act.mock.calls.length)).toEqual([1, 1, 1]);
  expect(ontool.mock.calls).toEqual([['keypad'], ['transfer'], ['add']]);
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

test('while reconnecting it says how long it is tried', () => {
  panel({ reconnecting: true, words: 'Reconnecting', gives_up_at_ms: Date.now() + 28_500 });
  expect(screen.getByTestId('call-gives-up').textContent).toMatch(/0:2[78]/);
});

test('nothing can be pressed twice while the call ends', () => {
  panel({ state: 'ending', words: 'Ending' });
  for (const id of ['call-mute', 'call-keypad', 'call-end'])
    expect(screen.getByTestId<HTMLButtonElement>(id).disabled).toBe(true);
});

describe('controls', () => {
  const there = () =>
    screen.getAllByRole('button').flatMap((button) => /^call-(\w+)$/.exec(button.dataset['testid'] ?? '')?.[1] ?? []);

  test.each<[string, Partial<CallView>, string[]]>([
    ['while it rings there', { state: 'remote_ringing', answered_at_ms: null }, ['mute', 'keypad', 'end']],
    ['in a call', {}, ['mute', 'hold', 'keypad', 'transfer', 'add', 'end']],
    ['without the right to send it on', { can_transfer: false }, ['mute', 'hold', 'keypad', 'transfer', 'add', 'end']],
    ['with several', { people: [aPerson(), aPerson({ leg: 'b' })] }, ['mute', 'hold', 'keypad', 'add', 'end']],
    [
      'talking to one alone',
      { people: [aPerson({ state: 'waiting' }), aPerson({ leg: 'b' })], private_with: 'b' },
      ['mute', 'keypad', 'end'],
    ],
    ['while it is handed over', { transfer: { to: 'x', state: 'asked', words: null } }, ['mute', 'keypad', 'end']],
  ])('%s are those that can be used', (_, change, wanted) => {
    panel(change);
    expect(there()).toEqual(wanted);
  });

  test('while nothing gets through, what has to wait is off and says why', () => {
    panel({ reconnecting: true, words: 'Reconnecting' }, 'transfer');
    const hold = screen.getByTestId<HTMLButtonElement>('call-hold');
    expect(hold.disabled).toBe(true);
    const why = document.getElementById(hold.getAttribute('aria-describedby') ?? '');
    expect(why?.textContent).toContain('Reconnecting');
    expect(screen.queryByTestId('transfer-picker')).toBeNull();
  });

  test('are one Tab stop, with arrow keys inside', async () => {
    panel();
    const stops = () =>
      screen.getAllByRole('button').filter((button) => button.closest('[role=toolbar]') && button.tabIndex === 0);
    expect(stops().map((button) => button.dataset['testid'])).toEqual(['call-mute']);
    screen.getByTestId('call-mute').focus();
    await fireEvent.keyDown(screen.getByTestId('call-mute'), { key: 'ArrowRight' });
    expect(document.activeElement).toBe(screen.getByTestId('call-hold'));
    await fireEvent.keyDown(screen.getByTestId('call-hold'), { key: 'End' });
    expect(stops()).toEqual([screen.getByTestId('call-end')]);
  });

  test('a held call says what the caller hears, and is taken back in the same place', async () => {
    const { onhold } = panel({ held: true, words: 'On hold', name: 'Elena Marchetti' });
    expect(screen.getByTestId('call-hold').getAttribute('aria-pressed')).toBe('true');
    expect(screen.getByText('Elena Marchetti is on hold.')).toBeTruthy();
    await fireEvent.click(screen.getByTestId('call-resume'));
    expect(onhold).toHaveBeenCalledOnce();
  });
});

describe('handing over', () => {
  const type = (text: string) => fireEvent.input(screen.getByTestId('transfer-number'), { target: { value: text } });
  const send = () => fireEvent.submit(screen.getByTestId('transfer-picker'));

  test('asks first unless told otherwise, with the number as typed', async () => {
    const { onadd, ontransfer } = panel({}, 'transfer');
    expect(document.activeElement).toBe(screen.getByTestId('transfer-number'));
    await send();
    await type(' 103 ');
    await send();
    await fireEvent.click(screen.getByTestId('transfer-how-introduce'));
    await send();
    await fireEvent.click(screen.getByTestId('transfer-how-send'));
    await type('sip:desk@front.example');
    await send();
    expect(onadd.mock.calls).toEqual([
      ['103', true],
      ['103', false],
    ]);
    expect(ontransfer.mock.calls).toEqual([['sip:desk@front.example']]);
  });

  test('letters find a person of an earlier call, digits wait for the arrow keys', async () => {
    const { onadd } = panel({}, 'transfer');
    await type('lind');
    expect(screen.getByTestId('transfer-send').textContent).toContain('Ask Maria Lindqvist');
    await send();
    await type('212');
    expect(screen.getByTestId('transfer-send').textContent).toContain('Ask 212');
    await fireEvent.keyDown(screen.getByTestId('transfer-number'), { key: 'ArrowDown' });
    expect(screen.getByTestId('transfer-option').getAttribute('aria-selected')).toBe('true');
    await send();
    expect(onadd.mock.calls).toEqual([
      ['+12125550117', true],
      ['+12125550117', true],
    ]);
  });

  test('sending straight away is offered only where it can be done', () => {
    panel({ can_transfer: false }, 'transfer');
    expect(screen.queryByTestId('transfer-how-send')).toBeNull();
    expect(screen.getByTestId('transfer-how-ask')).toBeTruthy();
  });

  test('says how far it is, and why it did not work', () => {
    const asked = panel({ transfer: { to: 'Maria', state: 'asked', words: null } });
    expect(screen.getByTestId('transfer-state').textContent).toMatch(/Sending .* to Maria/);
    asked.unmount();
    panel({ transfer: { to: 'Maria', state: 'failed', words: 'Busy. Your caller is still here.' } });
    expect(screen.getByRole('alert').textContent).toContain('Busy. Your caller is still here.');
  });
});

describe('several people', () => {
  const far = aPerson({ leg: 'far', name: 'Elena Marchetti', state: 'waiting' });
  const maria = aPerson({ leg: 'maria', name: 'Maria Lindqvist' });

  test('one who is asked first can be handed the call, joined or left', async () => {
    const { onhandover, onmerge, ondrop } = panel({ people: [far, maria], private_with: 'maria' });
    expect(screen.getByTestId('private-state').textContent).toMatch(
      /Maria Lindqvist alone.*Elena Marchetti hears music/,
    );
    for (const id of ['private-hand-over', 'private-merge', 'private-back'])
      await fireEvent.click(screen.getByTestId(id));
    expect([onhandover.mock.calls.length, onmerge.mock.calls.length]).toEqual([1, 1]);
    expect(ondrop.mock.calls).toEqual([[maria]]);
  });

  test('while their phone rings there is only the way back', () => {
    panel({ people: [far, { ...maria, state: 'ringing' }], private_with: 'maria' });
    expect(screen.queryByTestId('private-hand-over')).toBeNull();
    expect(screen.queryByTestId('people-leave')).toBeNull();
    expect(screen.getByTestId('private-back').textContent).toContain('Back to Elena Marchetti');
  });

  test('each can be talked to alone or let go; all can be joined or left', async () => {
    const acts = panel({ people: [far, maria] });
    await fireEvent.click(screen.getByTestId('person-maria-alone'));
    await fireEvent.click(screen.getByTestId('person-far-drop'));
    await fireEvent.click(screen.getByTestId('people-merge'));
    await fireEvent.click(screen.getByTestId('people-leave'));
    expect(acts.onalone.mock.calls).toEqual([[maria]]);
    expect(acts.ondrop.mock.calls).toEqual([[far]]);
    expect([acts.onmerge.mock.calls.length, acts.onhandover.mock.calls.length]).toEqual([1, 1]);
  });

  test('one who did not come says why and can be called again', async () => {
    const end = { reason: 'busy', title: 'Busy', advice: null, sip_code: 486, missed: false };
    const { onadd } = panel({ people: [aPerson({ leg: 'far' }), { ...maria, state: 'gone', end }] });
    expect(screen.getByTestId('person-maria').textContent).toContain('Busy');
    await fireEvent.click(screen.getByTestId('person-maria-again'));
    expect(onadd.mock.calls).toEqual([[maria.number, false]]);
  });
});

describe('a call aside', () => {
  const acts = () => ({ ontake: vi.fn(), onrejoin: vi.fn(), onend: vi.fn() });

  test('that is held can be swapped with the one talked on, or resumed where there is none', async () => {
    const did = acts();
    const held = aCall({ held: true, name: 'Samuel Adeyemi', words: 'On hold' });
    const first = render(AsideStrip, { call: held, talking: true, ...did });
    expect(screen.getByTestId('aside-held').textContent).toMatch(/On hold\s*· hears music/);
    await fireEvent.click(screen.getByRole('button', { name: 'Swap: talk to Samuel Adeyemi' }));
    first.unmount();
    render(AsideStrip, { call: held, talking: false, ...did });
    await fireEvent.click(screen.getByTestId('call-take'));
    await fireEvent.click(screen.getByTestId('aside-end'));
    expect([did.ontake.mock.calls.length, did.onend.mock.calls.length]).toEqual([2, 1]);
  });

  test('that outlived an earlier run can be gone back into or hung up', async () => {
    const did = acts();
    render(AsideStrip, { call: aCall({ state: 'stranded', can_rejoin: true }), talking: false, ...did });
    expect(screen.getByRole('alert').textContent).toContain('(212) 555-0100 is still on the line');
    await fireEvent.click(screen.getByTestId('rejoin'));
    await fireEvent.click(screen.getByTestId('aside-end'));
    expect([did.onrejoin.mock.calls.length, did.onend.mock.calls.length]).toEqual([1, 1]);
  });

  test('that talks on without us can only be ended for all', () => {
    const people = [aPerson({ name: 'Elena' }), aPerson({ leg: 'b', name: 'Maria' })];
    render(AsideStrip, { call: aCall({ name: 'Elena', state: 'handed_over', people }), talking: true, ...acts() });
    expect(screen.getByTestId('aside-handed_over').textContent).toContain('Elena, Maria');
    expect(screen.getAllByRole('button').map((button) => button.textContent)).toEqual(['Hang up for all']);
  });
});

describe('keys', () => {
  test('the open keypad sends each key, and shows what was sent and received', async () => {
    const { onkey } = panel({ keys_sent: '12#', keys_received: '47' }, 'keypad');
    await fireEvent.click(screen.getByTestId('incall-key-5'));
    await fireEvent.click(screen.getByTestId('incall-key-star'));
    expect(onkey.mock.calls).toEqual([['5'], ['*']]);
    expect(screen.getByTestId('call-keys-sent').textContent).toBe('12#');
    expect(screen.getByTestId('call-keys-received').textContent).toBe('47');
  });

  test('the closed one leaves its place to the calls before', () => {
    panel();
    expect(screen.queryByTestId('incall-key-5')).toBeNull();
    expect(screen.getByText(/You called/, { selector: 'li span' }).parentElement?.textContent).toContain('1 min');
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

  test('keeps the code of the line for those who ask', async () => {
    render(EndedCard, { call: anEndedCall(), onagain: vi.fn(), ondismiss: vi.fn() });
    expect(screen.getByTestId('ended-card').textContent).not.toContain('486');
    await fireEvent.click(screen.getByTestId('ended-details'));
    expect(screen.getByTestId('ended-code').textContent).toContain('486');
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
  await fireEvent.click(screen.getByRole('button', { name: 'Hang up' }));
  expect([onmute.mock.calls.length, onend.mock.calls.length]).toEqual([1, 1]);
});
