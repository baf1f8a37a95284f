import { describe, expect, test } from 'vitest';
import { clockTime, dayHeading, duration, initials, shortWhen, timer, tint } from './format';

const at = (text: string) => new Date(text).getTime();

describe('a timer', () => {
  test.each([
    [0, '00:00', '0:00'],
    [8_900, '00:08', '0:08'],
    [252_000, '04:12', '4:12'],
    [3_852_000, '1:04:12', '1:04:12'],
    [-5_000, '00:00', '0:00'],
  ])('after %i ms shows %s, waiting %s', (elapsed, call, waiting) => {
    expect(timer(1_000_000, 1_000_000 + elapsed)).toBe(call);
    expect(timer(1_000_000, 1_000_000 + elapsed, false)).toBe(waiting);
  });
});

test.each([
  [0, '0 s'],
  [3, '3 s'],
  [59.6, '1 min 0 s'],
  [252, '4 min 12 s'],
  [3_900, '1 h 5 min'],
])('%d seconds are written %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

describe('the day of a call', () => {
  const now = at('2026-03-11T10:00:00');
  test.each([
    ['2026-03-11T00:00:01', 'Today'],
    ['2026-03-10T23:59:59', 'Yesterday'],
    ['2026-03-07T12:00:00', 'Saturday'],
    ['2026-03-03T12:00:00', 'March 3'],
    ['2025-12-31T12:00:00', 'December 31, 2025'],
  ])('%s is headed %s', (day, heading) => {
    expect(dayHeading(at(day), now)).toBe(heading);
  });

  test('fits a column: clock time, Yesterday, weekday, date', () => {
    expect(shortWhen(at('2026-03-11T09:05:00'), now)).toBe(clockTime(at('2026-03-11T09:05:00')));
    expect(shortWhen(at('2026-03-10T09:05:00'), now)).toBe('Yesterday');
    expect(shortWhen(at('2026-03-07T09:05:00'), now)).toBe('Sat');
    expect(shortWhen(at('2026-02-07T09:05:00'), now)).toBe('Feb 7');
  });
});

test('clock times show seconds where asked', () => {
  const noon = Date.UTC(2026, 0, 1, 12, 34, 56);
  expect(clockTime(noon, false, 'UTC').replace(/\s/g, ' ')).toBe('12:34 PM');
  expect(clockTime(noon, true, 'UTC').replace(/\s/g, ' ')).toBe('12:34:56 PM');
});

test.each([
  ['Elena Marchetti', 'EM'],
  ['Harbor Street Building', 'HB'],
  ['Ümit', 'Ü'],
  ['7 Seas', 'S'],
  ['(212) 555-0100', ''],
])('the initials of %s are "%s"', (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test('an avatar tint is one of six and stays the same', () => {
  const tints = ['', 'a', 'Elena Marchetti', 'Northgate Dental', '\u{1f600}'].map(tint);
  expect(tints.every((one) => one >= 1 && one <= 6)).toBe(true);
  expect(tint('Elena Marchetti')).toBe(tint('Elena Marchetti'));
});
