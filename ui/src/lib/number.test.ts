import { describe, expect, test } from 'vitest';
import { cleanPaste, isDialKey, isToneKey } from './number';

describe('a pasted number', () => {
  test.each([
    ['+1 (212) 555-0100', '+12125550100'],
    ['  212.555.0100\n', '2125550100'],
    ['[212] 555/0100', '2125550100'],
    ['212\u2011555\u20130100', '2125550100'],
    ['212\u00a0555\u202f0100', '2125550100'],
    ['\u202a+1 212 555 0100\u202c', '+12125550100'],
    ['\u200e212\u200b555\u20600100\ufeff', '2125550100'],
    ['tel:+1-212-555-0100', '+12125550100'],
    ['TEL:+1-212-555-0100;ext=4', '+12125550100'],
    ['tel:%2B12125550100', '+12125550100'],
    ['callto://2125550100', '2125550100'],
    ['sip:2125550100@provider.example', '2125550100'],
    ['\uff0b\uff11\uff12\uff13', '+123'],
    ['\u0662\u0661\u0662', '212'],
    ['\u096f\u0966', '90'],
    ['*67#', '*67#'],
  ])('%j becomes %j', (pasted, cleaned) => {
    expect(cleanPaste(pasted)).toBe(cleaned);
  });

  test('keeps letters, for the core to judge', () => {
    expect(cleanPaste('1-800-FLOWERS')).toBe('1800FLOWERS');
  });

  test('with a broken escape is kept as it is', () => {
    expect(cleanPaste('tel:%E0%2')).toBe('%E0%2');
  });
});

test('a plus is dialled but is no tone', () => {
  expect(['0', '9', '*', '#', '+', 'a', '12'].filter(isDialKey)).toEqual(['0', '9', '*', '#', '+']);
  expect(['0', '9', '*', '#', '+', 'a', '12'].filter(isToneKey)).toEqual(['0', '9', '*', '#']);
});
