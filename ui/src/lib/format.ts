/** Times, durations and initials as text. Pure: `now` and the time zone come in. */
import { dates, numbers } from './formats';
import { locale, say } from './words';

/** A running timer: "0:08" while waiting, "04:12" in a call, "1:04:12" after an hour. Never negative. */
export function timer(fromMs: number, nowMs: number, padMinutes = true): string {
  const total = Math.max(0, Math.floor((nowMs - fromMs) / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, '0');
  if (hours > 0) return `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`;
  return `${padMinutes ? String(minutes).padStart(2, '0') : minutes}:${seconds}`;
}

/** "8 s", "4 min 12 s", "1 h 5 min". */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return say('duration.seconds', { s: total });
  if (total < 3600) return say('duration.minutes', { m: Math.floor(total / 60), s: total % 60 });
  return say('duration.hours', { h: Math.floor(total / 3600), m: Math.floor((total % 3600) / 60) });
}

/** "48 s", "4 min", "1 h 5 min": where the exact length is one step away. */
export function shortDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  return total < 60 || total >= 3600 ? duration(total) : say('duration.shortMinutes', { m: Math.floor(total / 60) });
}

/** "0.2 %" of a share between 0 and 1. */
export function percent(share: number): string {
  return numbers(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

/** "$12.35": an amount as decimal text, in the currency's own way. */
export function money(amount: string, currency: string): string {
  return numbers(locale(), { style: 'currency', currency }).format(Number(amount));
}

/** "November 2026" of `2026-11`. */
export function monthName(month: string): string {
  const [year = 0, of = 1] = month.split('-').map(Number);
  return dates(locale(), { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(Date.UTC(year, of - 1, 1));
}

/** "10:41 AM", or with seconds where the order of events matters. */
export function clockTime(atMs: number, withSeconds = false, timeZone?: string): string {
  return dates(locale(), {
    hour: 'numeric',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
    ...(timeZone ? { timeZone } : {}),
  }).format(atMs);
}

/** Whole calendar days from `atMs` to `nowMs` on the local calendar. */
function daysAgo(atMs: number, nowMs: number): number {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  const day = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day(now) - day(at)) / 86_400_000);
}

/** The heading of a day in a list: Today, Yesterday, a weekday of this week, else the date. */
export function dayHeading(atMs: number, nowMs: number): string {
  const days = daysAgo(atMs, nowMs);
  if (days === 0) return say('history.today');
  if (days === 1) return say('history.yesterday');
  if (days > 1 && days < 7) return dates(locale(), { weekday: 'long' }).format(atMs);
  const sameYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  return dates(locale(), {
    month: 'long',
    day: 'numeric',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(atMs);
}

/** "today 10:46 AM", "Tuesday 3:04 PM", "November 9, 3:04 PM": inside a sentence. */
export function dayAndTime(atMs: number, nowMs: number): string {
  const day = daysAgo(atMs, nowMs);
  const heading = dayHeading(atMs, nowMs);
  const time = clockTime(atMs);
  if (day === 0) return say('when.today', { time });
  if (day === 1) return say('when.yesterday', { time });
  return say('when.onDay', { day: heading, time });
}

/** How long something took: "40 ms", "4.2 s". */
export function took(ms: number): string {
  const unit = ms < 1000 ? 'millisecond' : 'second';
  return numbers(locale(), { style: 'unit', unit, maximumFractionDigits: 1 }).format(ms < 1000 ? ms : ms / 1000);
}

/** When a call was, in the width of one column: clock time today, then Yesterday, weekday, date. */
export function shortWhen(atMs: number, nowMs: number): string {
  const days = daysAgo(atMs, nowMs);
  if (days <= 0) return clockTime(atMs);
  if (days === 1) return say('history.yesterday');
  if (days < 7) return dates(locale(), { weekday: 'short' }).format(atMs);
  return dates(locale(), { month: 'short', day: 'numeric' }).format(atMs);
}

/** Up to two letters of a name, for an avatar. Empty when the name has no letter. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const first = words[0];
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return [first, last]
    .map((word) => (word ? [...word][0] : ''))
    .join('')
    .toLocaleUpperCase(locale());
}

/** One of six avatar tints, the same for the same text. It means nothing. */
export function tint(text: string): number {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 9973;
  return (hash % 6) + 1;
}
