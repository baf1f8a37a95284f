/**
 * Whom a person may mean while typing: numbers and names of contacts and of earlier calls. Pure. It only finds what is
 * known already; whether something is a number that can be called is for the core to say.
 */
import type { ContactView, HistoryRow } from '../backend/backend';

/** A part of a text, with the matched ones marked. */
export interface Part {
  text: string;
  match: boolean;
}

export interface Suggestion {
  number: string;
  number_shown: string;
  name: string | null;
  nameParts: Part[];
  numberParts: Part[];
  /** "Work", "mobile" and where they work, for contacts. */
  label: string;
  /** The newest call with this number; null: there was none yet. */
  row: HistoryRow | null;
}

/** Somebody who can be called, before anything was typed. */
type Known = Pick<Suggestion, 'number' | 'number_shown' | 'name' | 'label' | 'row'>;

/** The letters printed on each key, by letter. */
const KEY_OF: Readonly<Record<string, string>> = Object.fromEntries(
  ['abc', 'def', 'ghi', 'jkl', 'mno', 'pqrs', 'tuv', 'wxyz'].flatMap((letters, index) =>
    [...letters].map((letter) => [letter, String(index + 2)]),
  ),
);

/** One letter without its accents and case. Kept one for one, so that places in the text stay true. */
const plain = (char: string) => (char.normalize('NFD')[0] ?? char).toLowerCase();
const digitsOf = (text: string) => text.replace(/\D/g, '');

/** What two writings of one number have in common. */
const numberKey = (number: string) => digitsOf(number).slice(-10) || number;

/** True for two writings of one number, with or without its country. */
export function sameNumber(one: string, other: string): boolean {
  return one !== '' && other !== '' && numberKey(one) === numberKey(other);
}

/** Everybody called or calling, newest first, then the contacts that were not; one for each number. */
function* everyone(rows: readonly HistoryRow[], contacts: readonly ContactView[]): Generator<Known> {
  const book = new Map<string, { contact: ContactView; label: string }>();
  for (const contact of contacts)
    for (const { label, number } of contact.numbers)
      book.set(numberKey(number), { contact, label: [label, contact.organisation].filter(Boolean).join(' · ') });
  const seen = new Set<string>();
  for (const row of rows) {
    const key = numberKey(row.number);
    if (!row.number || seen.has(key)) continue;
    seen.add(key);
    const known = book.get(key);
    const name = known?.contact.name ?? row.contact ?? row.name;
    yield { number: row.number, number_shown: row.number_shown, name, label: known?.label ?? '', row };
  }
  for (const contact of contacts)
    for (const { number } of contact.numbers) {
      const key = numberKey(number);
      if (seen.has(key)) continue;
      seen.add(key);
      yield { number, number_shown: number, name: contact.name, label: book.get(key)?.label ?? '', row: null };
    }
}

/** Those whom `typed` may mean, one for each number, best first. Empty when nothing is typed. */
export function suggest(
  rows: readonly HistoryRow[],
  typed: string,
  limit: number,
  contacts: readonly ContactView[] = [],
): Suggestion[] {
  const text = typed.trim();
  if (!text) return [];
  const found: { rank: number; suggestion: Suggestion }[] = [];
  for (const known of everyone(rows, contacts)) {
    const match = matchOf(known, text);
    if (match) found.push(match);
  }
  // The order of the calls, newest first, decides within a rank.
  return found
    .sort((one, other) => one.rank - other.rank)
    .slice(0, limit)
    .map(({ suggestion }) => suggestion);
}

/** The callers and called of `rows`, one for each number, newest first; then the contacts. */
export function everybody(
  rows: readonly HistoryRow[],
  limit: number,
  contacts: readonly ContactView[] = [],
): Suggestion[] {
  return [...everyone(rows, contacts)].slice(0, limit).map((known) => suggestion(known, null, null));
}

function matchOf(row: Known, typed: string): { rank: number; suggestion: Suggestion } | null {
  const isNumber = /^[\d\s()+.\-/]+$/.test(typed);
  if (!isNumber) {
    const at = row.name ? placeInName(row.name, [...typed].map(plain).join(''), plain) : null;
    return at ? { rank: 1, suggestion: suggestion(row, at, null) } : null;
  }
  const digits = digitsOf(typed);
  if (!digits) return null;
  const inNumber = placeInNumber(row, digits, typed.trim().startsWith('+'));
  if (inNumber) return { rank: inNumber.start ? 0 : 2, suggestion: suggestion(row, null, inNumber.place) };
  const byKeys =
    digits.length >= 2 && row.name ? placeInName(row.name, digits, (char) => KEY_OF[plain(char)] ?? '') : null;
  return byKeys ? { rank: 1, suggestion: suggestion(row, byKeys, null) } : null;
}

type Place = readonly [from: number, to: number];

/** Where a word of `name` starts with `wanted`, each letter seen through `as`. */
function placeInName(name: string, wanted: string, as: (char: string) => string): Place | null {
  const chars = [...name];
  for (let from = 0; from < chars.length; from += 1) {
    const before = chars[from - 1];
    if (before !== undefined && /[\p{L}\p{N}]/u.test(before)) continue;
    const slice = chars.slice(from, from + wanted.length);
    if (slice.length === wanted.length && slice.map(as).join('') === wanted) return [from, from + wanted.length];
  }
  return null;
}

/** Where `digits` stand in the number as it is shown; with or without the country in front. */
function placeInNumber(row: Known, digits: string, full: boolean): { start: boolean; place: Place } | null {
  const shown = digitsOf(row.number_shown);
  const whole = digitsOf(row.number);
  const country = whole.endsWith(shown) ? whole.length - shown.length : 0;
  const at = (from: number) => ({
    start: from <= 0,
    place: shownPlace(row.number_shown, Math.max(0, from), from + digits.length),
  });
  if (!full && shown.startsWith(digits)) return at(0);
  if (whole.startsWith(digits)) return at(-country);
  // In the middle only once it can hardly be chance.
  const inside = full || digits.length < 3 ? -1 : shown.indexOf(digits);
  return inside < 0 ? null : at(inside);
}

/** The place in `shown` of its digits `from` to `to`. */
function shownPlace(shown: string, from: number, to: number): Place {
  const at = [...shown].flatMap((char, index) => (/\d/.test(char) ? [index] : []));
  const last = at[to - 1];
  if (to <= from || last === undefined) return [0, 0];
  // A bracket before the first digit belongs to it.
  return [from === 0 ? 0 : (at[from] ?? 0), last + 1];
}

function suggestion(known: Known, inName: Place | null, inNumber: Place | null): Suggestion {
  return {
    ...known,
    nameParts: parts(known.name ?? '', inName),
    numberParts: parts(known.number_shown, inNumber),
  };
}

/** `text` cut at `place`. */
export function parts(text: string, place: Place | null): Part[] {
  const chars = [...text];
  const [from, to] = place ?? [0, 0];
  return [
    { text: chars.slice(0, from).join(''), match: false },
    { text: chars.slice(from, to).join(''), match: true },
    { text: chars.slice(to).join(''), match: false },
  ].filter((part) => part.text !== '');
}

/** The suggestion that stands for what was typed; index -1 and null: what was typed stands for itself. */
export interface Choice {
  index: number;
  target: Suggestion | null;
}

/** True for text that can only be meant as a name: it has letters and is no address. */
export function isName(typed: string): boolean {
  return /\p{L}/u.test(typed) && !/^\s*(sips?|tel):/i.test(typed);
}

/**
 * What `chosen`, the row last gone to, means for what is typed now. Letters name the first of `found`
 * without choosing; digits are taken as they are until a row is chosen.
 */
export function choice(found: readonly Suggestion[], typed: string, chosen: number): Choice {
  const index = chosen < 0 ? (isName(typed) && found.length > 0 ? 0 : -1) : Math.min(chosen, found.length - 1);
  return { index, target: found[index] ?? null };
}

/** The row after the arrow key `key` was pressed on `index`; null for any other key. */
export function moved(key: string, found: readonly Suggestion[], typed: string, index: number): number | null {
  if (key === 'ArrowDown') return Math.min(index + 1, found.length - 1);
  if (key === 'ArrowUp') return Math.max(index - 1, isName(typed) ? 0 : -1);
  return null;
}
