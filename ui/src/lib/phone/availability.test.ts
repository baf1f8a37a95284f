import { expect, test } from 'vitest';
import { availabilityWords, choices, notRinging, times, untilWords } from './availability';

const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).getTime();
const NOW = at(19, 11, 47);
const until = (until_ms: number | null) => ({ state: 'do_not_disturb' as const, until_ms });
/** Without the kind of space a clock time has. */
const plain = (text: string) => text.replace(/\s/g, ' ');

test.each([
  [at(19, 14), '2 PM'],
  [at(19, 14, 30), '2:30 PM'],
  [at(20, 8), 'tomorrow, 8 AM'],
  [at(22, 8), 'Sunday, 8 AM'],
])('%s is %s', (ms, wanted) => {
  expect(plain(untilWords(ms, NOW))).toBe(wanted);
});

test('offers half an hour, a while, until the next morning and for good', () => {
  expect(choices(NOW).map((one) => [one.id, plain(one.label)])).toEqual([
    ['take', 'Take calls'],
    ['half-hour', 'Not for 30 minutes'],
    ['later', 'Not until 1 PM'],
    ['tomorrow', 'Not until tomorrow, 8 AM'],
    ['off', 'Not until I turn it on'],
  ]);
  expect(choices(NOW)[2]?.availability).toEqual(until(at(19, 13)));
  expect(choices(NOW)[4]?.availability).toEqual(until(null));
});

test('other times are the half hours of one day from now on', () => {
  const all = times(NOW);
  expect(plain(all[0]?.label ?? '')).toBe('12 PM');
  expect(all).toHaveLength(48);
  expect(new Set(all.map((one) => one.label)).size).toBe(48);
});

test('says what this desk does in a line', () => {
  expect(availabilityWords({ state: 'available' }, NOW)).toBe('Taking calls');
  expect(plain(availabilityWords(until(at(19, 14)), NOW))).toBe('Not until 2 PM');
  expect(availabilityWords(until(null), NOW)).toBe('Not taking calls');
  expect(plain(notRinging(until(at(19, 14)), NOW))).toBe('Not ringing until 2 PM');
  expect(notRinging(until(null), NOW)).toBe('Not ringing here');
});
