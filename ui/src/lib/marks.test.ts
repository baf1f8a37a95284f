import { expect, test } from 'vitest';
import { excerpt, hasMatch, marked } from './marks';

const shown = (text: string, search: string) =>
  marked(text, search)
    .map((part) => (part.match ? `[${part.text}]` : part.text))
    .join('');

test.each([
  ['Elena Marchetti', 'mar', 'Elena [Mar]chetti'],
  ['the quote, the Quote', 'quote', 'the [quote], the [Quote]'],
  ['José García', 'jose garcia', '[José] [García]'],
  ['(312) 555-0142', '312555', '([312) 555]-0142'],
  ['(312) 555-0142', '555-01', '(312) [555-01]42'],
  ['nothing of it', 'quote', 'nothing of it'],
  ['', 'quote', ''],
  ['<b>quote</b>', '<b>', '[<b>]quote</b>'],
])('%j searched for %j', (text, search, wanted) => {
  expect(shown(text, search)).toBe(wanted);
  expect(marked(text, search).map((part) => part.text).join('')).toBe(text);
  expect(hasMatch(text, search)).toBe(wanted.includes('['));
});

test('an excerpt begins a little before what was found', () => {
  const note = 'They called about the stone price and the stairs, and wait for the revised lobby quote by Friday.';
  expect(excerpt(note, 'quote')).toBe('…wait for the revised lobby quote by Friday.');
  expect(excerpt('lobby quote', 'quote')).toBe('lobby quote');
});
