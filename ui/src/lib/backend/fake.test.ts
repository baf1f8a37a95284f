import { expect, test, vi } from 'vitest';
import type { CallView } from './bindings';
import { FakePhone } from './fake';

const audible = (phone: FakePhone) =>
  phone.calls.filter((call) => call.state === 'live' && !call.held).map((call) => call.name);
async function first(phone: FakePhone, is: (call: CallView) => boolean): Promise<CallView> {
  return vi.waitFor(() => {
    const found = phone.calls.find(is);
    if (!found) throw new Error(JSON.stringify(phone.calls));
    return found;
  });
}

test('never two calls are talked on: answering holds or ends the other, taking one back holds', async () => {
  const phone = new FakePhone('live-ringing', 0);
  const [elena] = phone.calls;
  const second = phone.calls[1]?.id ?? '';
  await phone.answer(second, 'hold');
  await first(phone, (call) => call.id === second && call.state === 'live');
  expect(audible(phone)).toEqual(['Northgate Dental']);
  await phone.setHeld(elena?.id ?? '', false);
  expect(audible(phone)).toEqual(['Elena Marchetti']);
  const third = phone.ring('+14155550155');
  await phone.answer(third, 'end');
  await first(phone, (call) => call.id === third && call.state === 'live');
  expect(audible(phone)).toEqual(['Aiko Tanaka']);
  expect(phone.call(elena?.id ?? '')?.end?.reason).toBe('hung_up_here');
});

test('a transfer ends the call when it is taken, and leaves it when it is not', async () => {
  const refused = new FakePhone('live', 0);
  await refused.transfer(refused.calls[0]?.id ?? '', '+12125550101');
  const still = await first(refused, (call) => call.transfer?.state === 'failed');
  expect(still).toMatchObject({ state: 'live', can_transfer: true });
  const taken = new FakePhone('live', 0);
  await taken.transfer(taken.calls[0]?.id ?? '', '+12125550117');
  expect((await first(taken, (call) => call.state === 'ended')).end?.reason).toBe('transferred');
});

test('who is asked first talks alone; a refusal brings the caller back', async () => {
  const phone = new FakePhone('live', 0);
  const id = phone.calls[0]?.id ?? '';
  await phone.addPerson(id, '+12125550117', true);
  expect(phone.call(id)?.people.map((one) => one.state)).toEqual(['waiting', 'dialling']);
  await first(phone, (call) => call.people[1]?.state === 'up');
  await phone.merge(id);
  expect(phone.call(id)).toMatchObject({ private_with: null, people: [{ state: 'up' }, { state: 'up' }] });
  const other = new FakePhone('live', 0);
  const called = other.calls[0]?.id ?? '';
  await other.addPerson(called, '+12125550101', true);
  const after = await first(other, (call) => call.people[1]?.state === 'gone');
  expect(after).toMatchObject({
    private_with: null,
    can_transfer: true,
    people: [{ state: 'up' }, { end: { title: 'Busy' } }],
  });
});

test('a call left behind can be gone back into', async () => {
  const phone = new FakePhone('stranded', 0);
  await phone.rejoin(phone.calls[0]?.id ?? '');
  expect((await first(phone, (call) => call.state === 'live')).can_rejoin).toBe(false);
});

test('the echo test listens, plays and ends; a call refuses it', async () => {
  const phone = new FakePhone('', 0);
  const stages: string[] = [];
  await phone.onSoundChanged((view) => stages.push(view.echo_test));
  await phone.soundTest(true);
  await vi.waitFor(() => expect(stages).toEqual(['listening', 'playing', 'idle']));
  phone.ring();
  await expect(phone.soundTest(true)).rejects.toMatchObject({ code: 'in_call' });
});
