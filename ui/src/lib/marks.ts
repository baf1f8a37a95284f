/** Where what was searched for stands in a text. Pure; what is found at all is for the core to say. */
import type { Part } from './phone/suggest';

const plain = (char: string) => (char.normalize('NFD')[0] ?? char).toLowerCase();
const isDigit = (char: string | undefined) => char !== undefined && /\d/.test(char);

/** `text` cut so that every place where a word of `search` stands is a part of its own. */
export function marked(text: string, search: string): Part[] {
  const chars = [...text];
  const flat = chars.map(plain);
  const hit = new Array<boolean>(chars.length).fill(false);
  for (const word of search.trim().split(/\s+/).filter(Boolean)) {
    markWord(flat, [...word].map(plain).join(''), hit);
    const digits = word.replace(/\D/g, '');
    if (digits.length >= 3 && /^[\d\s()+.\-/]+$/.test(word)) markDigits(chars, digits, hit);
  }
  const found: Part[] = [];
  chars.forEach((char, at) => {
    const match = hit[at] === true;
    const last = found.at(-1);
    if (last?.match === match) last.text += char;
    else found.push({ text: char, match });
  });
  return found;
}

/** True if a word of `search` stands in `text`. */
export function hasMatch(text: string, search: string): boolean {
  return marked(text, search).some((part) => part.match);
}

/** The surroundings of the first match in a long text, with dots where something was cut. */
export function excerpt(text: string, search: string, around = 28): string {
  const one = text.replace(/\s+/g, ' ').trim();
  const parts = marked(one, search);
  const first = parts.findIndex((part) => part.match);
  if (first === -1) return one;
  const before = parts
    .slice(0, first)
    .map((part) => part.text)
    .join('');
  if (before.length <= around) return one;
  const from = before.lastIndexOf(' ', before.length - around);
  return `…${one.slice(from + 1)}`;
}

function markWord(flat: readonly string[], word: string, hit: boolean[]): void {
  const wanted = [...word];
  for (let from = 0; from + wanted.length <= flat.length; from += 1) {
    if (wanted.every((char, at) => flat[from + at] === char))
      for (let at = 0; at < wanted.length; at += 1) hit[from + at] = true;
  }
}

/** Digits stand together for a person, whatever is written between them. */
function markDigits(chars: readonly string[], digits: string, hit: boolean[]): void {
  const places = chars.flatMap((char, at) => (isDigit(char) ? [at] : []));
  const all = places.map((at) => chars[at]).join('');
  for (let from = all.indexOf(digits); from !== -1; from = all.indexOf(digits, from + 1)) {
    const [start, end] = [places[from], places[from + digits.length - 1]];
    if (start === undefined || end === undefined) return;
    for (let at = start; at <= end; at += 1) hit[at] = true;
  }
}
