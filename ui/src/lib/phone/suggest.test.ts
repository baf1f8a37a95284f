import { expect, test } from 'vitest';
import { aRow } from '../../testing/views';
import { everybody, parts, suggest, type Part } from './suggest';

const rows = [
  aRow({ id: '1', number: '+13125550142', number_shown: '(312) 555-0142', name: 'Elena Marchetti' }),
  aRow({ id: '2', number: '+13125550140', number_shown: '(312) 555-0140', name: null }),
  aRow({ id: '3', number: '+13125550142', number_shown: '(312) 555-0142', name: 'Elena Marchetti' }),
  aRow({ id: '4', number: '+12125550117', number_shown: '(212) 555-0117', name: 'Zoë Lindqvist' }),
  aRow({ id: '5', number: '', number_shown: 'Private number', name: null }),
];
const marked = (parts: Part[]) => parts.filter((part) => part.match).map((part) => part.text);
const names = (typed: string) => suggest(rows, typed, 9).map((one) => one.name ?? one.number_shown);

test.each([
  ['312', ['Elena Marchetti', '(312) 555-0140']],
  ['(312) 555-0142', ['Elena Marchetti']],
  ['+1312', ['Elena Marchetti', '(312) 555-0140']],
  ['1312', ['Elena Marchetti', '(312) 555-0140']],
  ['0117', ['Zoë Lindqvist']],
  ['353', ['Elena Marchetti']],
  ['546', ['Zoë Lindqvist']],
  ['march', ['Elena Marchetti']],
  ['zoe l', ['Zoë Lindqvist']],
  ['arch', []],
  ['+0142', []],
  ['', []],
  ['private', []],
])('%j finds %j', (typed, wanted) => {
  expect(names(typed)).toEqual(wanted);
});

test('what was typed is marked where it stands', () => {
  const number = (typed: string) => marked(suggest(rows, typed, 1)[0]?.numberParts ?? []);
  expect(number('312555014')).toEqual(['(312) 555-014']);
  expect(number('+1312')).toEqual(['(312']);
  expect(number('0142')).toEqual(['0142']);
  expect(marked(suggest(rows, '353', 1)[0]?.nameParts ?? [])).toEqual(['Ele']);
  expect(parts('héllo', [1, 3])).toEqual([
    { text: 'h', match: false },
    { text: 'él', match: true },
    { text: 'lo', match: false },
  ]);
});

test('each number comes once, with its newest call, and no more than asked for', () => {
  expect(suggest(rows, '312', 9)[0]?.row?.id).toBe('1');
  expect(suggest(rows, '312', 1)).toHaveLength(1);
  expect(everybody(rows, 9).map((one) => one.row?.id)).toEqual(['1', '2', '4']);
});
