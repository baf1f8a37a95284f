import { expect, test } from 'vitest';
import { aRow } from '../../testing/views';
import { dayOf, Days } from './days';

const noon = (day: number) => new Date(2026, 10, day, 12).getTime();
const call = (id: string, day: number, hours = 0) => aRow({ id, started_at_ms: noon(day) + hours * 3_600_000 });
const heading = (atMs: number) => `day ${new Date(atMs).getDate()}`;
const told = (items: ReturnType<Days['of']>) => items.map((item) => ('row' in item ? item.id : item.heading));

test('calls stand under their day, in the order given, and the first one names it', () => {
  const items = new Days().of([call('a', 19), call('b', 19, -11), call('c', 18)], '', heading);
  expect(told(items)).toEqual(['day 19', 'a', 'b', 'day 18', 'c']);
  expect(items[1]).toMatchObject({ first: 'day 19' });
  expect(items[2]).not.toHaveProperty('first');
});

test('further calls are added and leave what is there as it is', () => {
  const days = new Days();
  const first = [call('a', 19), call('b', 18)];
  const before = days.of(first, '', heading);
  const after = days.of([...first, call('c', 18, -1), call('d', 17)], '', heading);
  expect(told(after)).toEqual(['day 19', 'a', 'day 18', 'b', 'c', 'day 17', 'd']);
  expect(after).not.toBe(before);
  expect(after.slice(0, before.length).every((item, at) => item === before[at])).toBe(true);
});

test('another beginning, another end of what was there, or another day today makes the list anew', () => {
  const days = new Days();
  const first = [call('a', 19), call('b', 18)];
  days.of(first, 'today is 19', heading);
  expect(told(days.of([call('z', 20), ...first], 'today is 19', heading))).toEqual(['day 20', 'z', 'day 19', 'a', 'day 18', 'b']);
  expect(told(days.of([call('z', 20)], 'today is 19', heading))).toEqual(['day 20', 'z']);
  expect(told(days.of([], 'today is 19', heading))).toEqual([]);
  days.of(first, 'today is 19', heading);
  expect(told(days.of(first, 'today is 20', () => 'anew'))).toEqual(['anew', 'a', 'anew', 'b']);
});

test('a day goes from midnight to midnight, however long it is', () => {
  for (let day = 1; day <= 366; day += 1) {
    const [from, to] = dayOf(new Date(2026, 0, day, 12).getTime());
    expect(new Date(from).getHours()).toBe(0);
    expect(new Date(to).getDate()).not.toBe(new Date(from).getDate());
    expect(to).toBeGreaterThan(from);
  }
});
