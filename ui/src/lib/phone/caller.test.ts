import { expect, test } from 'vitest';
import { aCall, aLine } from '../../testing/views';
import { lineShown, secondLine, who } from './caller';

test('a caller is the name, else the number, else unknown', () => {
  expect(who(aCall({ name: 'Elena Marchetti' }))).toBe('Elena Marchetti');
  expect(who(aCall({ name: 'Elena Marchetti', contact: 'Elena (Harbor Street)' }))).toBe('Elena (Harbor Street)');
  expect(secondLine(aCall({ name: 'Elena Marchetti' }))).toBe('(212) 555-0100');
  expect(who(aCall())).toBe('(212) 555-0100');
  expect(secondLine(aCall())).toBe('');
  expect(who(aCall({ number_shown: '' }))).toBe('Unknown number');
});

test('our line is shown under its name, whether the network told its name or its number', () => {
  const line = aLine();
  const named = { label: 'Main line', number: '(212) 555-0100' };
  expect(lineShown('Main line', line)).toEqual(named);
  expect(lineShown('+12125550100', line)).toEqual(named);
  expect(lineShown('+12125550100', aLine({ name: null }))).toEqual({ label: '(212) 555-0100', number: null });
});

test('another line is shown as it came, and none as none', () => {
  expect(lineShown('+13125550117', aLine())).toEqual({ label: '+13125550117', number: null });
  expect(lineShown('Projects line', null)).toEqual({ label: 'Projects line', number: null });
  expect(lineShown(null, aLine())).toBeNull();
});
