import { describe, expect, test, vi } from 'vitest';
import { aCall, anEndedCall, aPerson, aRingingCall, aView } from '../../testing/views';
import type { Backend, PhoneView } from '../backend/backend';
import { FakePhone } from '../backend/fake';
import { Phone } from './phone.svelte';

/** A backend of which only the named parts matter. */
const withOnly = (parts: Partial<Backend>) => parts as Backend;

describe('views', () => {
  const phone = () => new Phone(withOnly({}));

  test('a newer one replaces the one held', () => {
    const held = phone();
    expect(held.apply(aView({ rev: 1 }))).toBe(true);
    expect(held.apply(aView({ rev: 2, calls: [aCall()] }))).toBe(true);
    expect(held.live?.id).toBe('call-1');
  });

  test('an older one, or the same again, is ignored', () => {
    const held = phone();
    held.apply(aView({ rev: 5, calls: [aCall()] }));
    expect(held.apply(aView({ rev: 4, calls: [] }))).toBe(false);
    expect(held.apply(aView({ rev: 5, calls: [] }))).toBe(false);
    expect(held.live?.id).toBe('call-1');
    expect(held.view?.rev).toBe(5);
  });

  test('what the page began with gives way to the snapshot of the same moment, which has the names too', () => {
    const held = new Phone(withOnly({}), aView({ rev: 5, calls: [aCall()] }));
    expect(held.live?.contact).toBeNull();
    expect(held.apply(aView({ rev: 5, calls: [aCall({ contact: 'Ana Reyes' })] }))).toBe(true);
    expect(held.live?.contact).toBe('Ana Reyes');
    expect(held.apply(aView({ rev: 5 }))).toBe(false);
  });

  test('a change that arrives before the snapshot wins over it', async () => {
    let tell: (view: PhoneView) => void = () => undefined;
    const held = new Phone(
      withOnly({
        onPhoneChanged: async (listener) => {
          tell = listener;
          return () => undefined;
        },
        snapshot: async () => {
          tell(aView({ rev: 8, calls: [aCall({ id: 'newer' })] }));
          return aView({ rev: 7 });
        },
      }),
    );
    await held.connect();
    expect(held.live?.id).toBe('newer');
  });
});

describe('the calls of a view', () => {
  const holding = (calls: PhoneView['calls']) => {
    const phone = new Phone(withOnly({}));
    phone.apply(aView({ calls }));
    return phone;
  };

  test('ringing and claiming calls are offered, the first one first, the rest counted', () => {
    const phone = holding([
      aRingingCall({ id: 'a', state: 'claiming' }),
      aRingingCall({ id: 'b' }),
      aRingingCall({ id: 'c' }),
    ]);
    expect(phone.offered?.id).toBe('a');
    expect(phone.offeredBesides).toBe(2);
    expect(phone.live).toBeNull();
  });

  test('who is shown is whom the core means, not who came first', () => {
    const phone = holding([aRingingCall({ id: 'stranger', quiet: true, silenced: true }), aRingingCall({ id: 'friend' })]);
    expect(phone.offered?.id).toBe('friend');
    expect(phone.offeredBesides).toBe(1);
    phone.apply(aView({ rev: 9, calls: [...phone.calls], rings: 'stranger' }));
    expect(phone.offered?.id).toBe('stranger');
  });

  test.each(['preparing', 'joining', 'dialling', 'remote_ringing', 'answering', 'live', 'ending'] as const)(
    'a call that is %s is under way, beside one that rings',
    (state) => {
      const phone = holding([aRingingCall({ id: 'rings' }), aCall({ id: 'mine', state })]);
      expect(phone.live?.id).toBe('mine');
      expect(phone.offered?.id).toBe('rings');
    },
  );

  test('the one that is talked on leads, held ones wait aside, and without it the one held last leads', () => {
    const held = aCall({ id: 'a', held: true });
    const phone = holding([held, aCall({ id: 'b' }), aCall({ id: 'c', held: true }), anEndedCall({ id: 'd' })]);
    expect([phone.live?.id, phone.talking?.id, phone.aside.map((call) => call.id)]).toEqual(['b', 'b', ['a', 'c']]);
    const waiting = holding([held, aCall({ id: 'c', held: true })]);
    expect([waiting.live?.id, waiting.talking, waiting.aside.map((call) => call.id)]).toEqual(['c', null, ['a']]);
  });

  test('a call left to others, or left behind, is aside and in nobody’s way', () => {
    const phone = holding([aCall({ id: 'a', state: 'handed_over' }), aCall({ id: 'b', state: 'stranded' })]);
    expect([phone.live, phone.talking, phone.aside.map((call) => call.id)]).toEqual([null, null, ['a', 'b']]);
    const ending = holding([aCall({ state: 'ending' })]);
    expect([ending.live?.state, ending.talking]).toEqual(['ending', null]);
  });

  test('of ended calls the last one is shown', () => {
    const phone = holding([
      anEndedCall({ id: 'late', ended_at_ms: 20 }),
      anEndedCall({ id: 'early', ended_at_ms: 10 }),
    ]);
    expect(phone.ended?.id).toBe('late');
    expect(phone.live).toBeNull();
  });
});

describe('intents', () => {
  test.each<[string, (phone: Phone) => Promise<boolean>, unknown[]]>([
    ['answer', (phone) => phone.answer(aCall()), ['call-1', 'hold']],
    ['answer', (phone) => phone.answer(aCall(), 'end'), ['call-1', 'end']],
    ['setHeld', (phone) => phone.toggleHeld(aCall({ held: true })), ['call-1', false]],
    ['transfer', (phone) => phone.transfer(aCall(), '103'), ['call-1', '103']],
    ['addPerson', (phone) => phone.addPerson(aCall(), '103', true), ['call-1', '103', true]],
    ['merge', (phone) => phone.merge(aCall()), ['call-1']],
    ['talkPrivately', (phone) => phone.talkPrivately(aCall(), aPerson()), ['call-1', 'leg-1']],
    ['handOver', (phone) => phone.handOver(aCall()), ['call-1']],
    ['dropPerson', (phone) => phone.dropPerson(aCall(), aPerson()), ['call-1', 'leg-1']],
    ['rejoin', (phone) => phone.rejoin(aCall()), ['call-1']],
    ['setAvailability', (phone) => phone.setAvailability({ state: 'available' }), [{ state: 'available' }]],
  ])('%s %#', async (command, send, wanted) => {
    const sent = vi.fn(async () => undefined);
    expect(await send(new Phone(withOnly({ [command]: sent })))).toBe(true);
    expect(sent.mock.calls).toEqual([wanted]);
  });

  test('mute sends the other state of the call it is given', async () => {
    const setMuted = vi.fn(async () => undefined);
    const phone = new Phone(withOnly({ setMuted }));
    await phone.toggleMuted(aCall({ muted: true }));
    await phone.toggleMuted(aCall({ muted: false }));
    expect(setMuted.mock.calls).toEqual([
      ['call-1', false],
      ['call-1', true],
    ]);
  });

  test('a refusal is said until it is put away, over a notice of the core', async () => {
    const dismissNotice = vi.fn(async () => undefined);
    const phone = new Phone(
      withOnly({
        dial: async () => {
          throw { code: 'busy_here', message: 'End the call first.' };
        },
        dismissNotice,
      }),
    );
    phone.apply(aView({ notice: { id: 7, code: 'x', text: 'An older notice.' } }));
    expect(phone.said?.notice.text).toBe('An older notice.');
    expect(await phone.dial('1')).toBe(false);
    expect(phone.said?.notice.text).toBe('End the call first.');
    await phone.unsay();
    expect(phone.said?.notice.text).toBe('An older notice.');
    await phone.unsay();
    expect(dismissNotice).toHaveBeenCalledWith(7);
  });

  test('a fault that is no IpcError is said as well', async () => {
    const phone = new Phone(
      withOnly({
        answer: async () => {
          throw 'command answer not found';
        },
      }),
    );
    await phone.answer(aRingingCall());
    expect(phone.said?.notice).toEqual({ id: 0, code: 'shell', text: 'command answer not found' });
  });
});

test('a story on the fake phone: dial, talk, mute, send keys, hang up', async () => {
  const fake = new FakePhone('empty', 0);
  const phone = new Phone(fake);
  const stop = await phone.connect();
  await phone.dial('+1 212 555 0100');
  await vi.waitFor(() => expect(phone.live?.state).toBe('live'));
  const call = () => phone.live ?? aCall({ id: 'gone' });
  await phone.toggleMuted(call());
  await phone.sendKeys(call(), '1');
  await phone.sendKeys(call(), '#');
  expect(phone.live).toMatchObject({ muted: true, keys_sent: '1#' });
  await phone.hangUp(call());
  await vi.waitFor(() => expect(phone.ended?.end?.title).toBe('You hung up'));
  expect(phone.live).toBeNull();
  expect((await fake.historyPage(null, 10)).rows).toMatchObject([{ number: '+12125550100', outcome: 'answered' }]);
  stop();
});
