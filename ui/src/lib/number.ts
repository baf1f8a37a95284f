/**
 * What people paste and type, made ready for the number field. Whether it is a number that can
 * be called is for the core to say, so nothing that could carry meaning is dropped here.
 */

/** Characters that copying from a page or a mail brings along and nobody sees. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** How numbers are written for the eye: spaces, brackets, dashes, dots, slashes. */
const LAYOUT = /[\s()[\]{}.\u00b7/\\\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g;
const SCHEME = /^(?:tel|callto|sip|sips):(?:\/\/)?/i;

/** A pasted number or link as it would have been typed: `tel:+1-212-555-0100;ext=4` is `+12125550100`. */
export function cleanPaste(text: string): string {
  let number = text.replace(INVISIBLE, '').trim();
  const scheme = SCHEME.exec(number);
  if (scheme) {
    number = number.slice(scheme[0].length);
    // The parts after the number steer the network, not the dialler.
    number = number.replace(/[;?@].*$/s, '');
    number = decodePercent(number);
  }
  // Full-width forms, then digits of other scripts: the same numbers, drawn differently.
  number = number.normalize('NFKC').replace(LAYOUT, '');
  return number.replace(/\p{Nd}/gu, asciiDigit);
}

/** True for a key that belongs on a phone: 0-9, star, hash, plus. */
export function isDialKey(key: string): boolean {
  return /^[0-9*#+]$/.test(key);
}

/** True for a key that can be sent as a tone during a call. */
export function isToneKey(key: string): boolean {
  return /^[0-9*#]$/.test(key);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Every script has its ten digits in a row, so the distance to the first of the row is the value. */
function asciiDigit(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  let zero = point;
  while (point - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(point - zero);
}
