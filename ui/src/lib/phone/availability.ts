/** The times at which a desk may take calls again, in words. Pure: `now` and the time zone come in. */
import type { AvailabilityView } from '../backend/backend';
import { dates } from '../formats';
import { locale, say } from '../words';

export interface AvailabilityChoice {
  id: 'take' | 'half-hour' | 'later' | 'tomorrow' | 'off';
  label: string;
  availability: AvailabilityView;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** When a working day begins, for "until tomorrow". */
const MORNING = 8;

const notUntil = (until_ms: number | null): AvailabilityView => ({ state: 'do_not_disturb', until_ms });

/** The next `hour` o'clock of the day `days` after that of `nowMs`, on the local calendar. */
function at(nowMs: number, days: number, hour: number): number {
  const day = new Date(nowMs);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hour).getTime();
}

/** The whole hour after the coming one: long enough for a meeting. */
function laterToday(nowMs: number): number {
  return Math.ceil((nowMs + HOUR) / HOUR) * HOUR;
}

export function choices(nowMs: number): AvailabilityChoice[] {
  const later = laterToday(nowMs);
  const tomorrow = at(nowMs, 1, MORNING);
  const until = (ms: number) => say('availability.until', { time: untilWords(ms, nowMs) });
  return [
    { id: 'take', label: say('availability.take'), availability: { state: 'available' } },
    { id: 'half-hour', label: say('availability.halfHour'), availability: notUntil(nowMs + 30 * MINUTE) },
    { id: 'later', label: until(later), availability: notUntil(later) },
    { id: 'tomorrow', label: until(tomorrow), availability: notUntil(tomorrow) },
    { id: 'off', label: say('availability.off'), availability: notUntil(null) },
  ];
}

/** The half hours of the next day, for who wants another time than `choices` has. */
export function times(nowMs: number): { untilMs: number; label: string }[] {
  const first = Math.ceil((nowMs + MINUTE) / (30 * MINUTE)) * 30 * MINUTE;
  return Array.from({ length: 48 }, (_, index) => {
    const untilMs = first + index * 30 * MINUTE;
    return { untilMs, label: untilWords(untilMs, nowMs) };
  });
}

/** "2 PM", "tomorrow, 8 AM", "Monday, 8 AM". */
export function untilWords(untilMs: number, nowMs: number, timeZone?: string): string {
  const zone = timeZone ? { timeZone } : {};
  const time = dates(locale(), {
    hour: 'numeric',
    ...(new Date(untilMs).getMinutes() === 0 ? {} : { minute: '2-digit' }),
    ...zone,
  }).format(untilMs);
  const day = (ms: number) => dates('en-CA', zone).format(ms);
  if (day(untilMs) === day(nowMs)) return time;
  if (day(untilMs) === day(at(nowMs, 1, 12))) return say('availability.tomorrow', { time });
  const weekday = dates(locale(), { weekday: 'long', ...zone }).format(untilMs);
  return say('availability.onDay', { day: weekday, time });
}

/** The availability in the width of one line: "Taking calls", "Not until 2 PM". */
export function availabilityWords(of: AvailabilityView, nowMs: number): string {
  if (of.state === 'available') return say('availability.taking');
  if (of.until_ms === null) return say('availability.notTaking');
  return say('availability.until', { time: untilWords(of.until_ms, nowMs) });
}

/** What the foot of the navigation says instead of "This desk will ring". */
export function notRinging(of: AvailabilityView, nowMs: number): string {
  if (of.state === 'available' || of.until_ms === null) return say('availability.notRinging');
  return say('availability.notRingingUntil', { time: untilWords(of.until_ms, nowMs) });
}
