import { fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { aLine } from '../../../testing/views';
import { DialField } from '../../phone/dial-field.svelte';
import Dialler from './Dialler.svelte';

afterEach(() => {
  vi.useRealTimers();
});

function dialler(said: string | null = null) {
  const field = new DialField();
  const oncall = vi.fn();
  const onunsay = vi.fn();
  render(Dialler, {
    field,
    line: aLine(),
    said: said === null ? null : { source: 'core' as const, notice: { id: 1, code: 'bad_number', text: said } },
    oncall,
    onunsay,
  });
  return { field, oncall, onunsay, input: screen.getByTestId<HTMLInputElement>('dial-input') };
}

test('the countries are listed for whoever comes to choose one', async () => {
  const onregion = vi.fn();
  render(Dialler, { field: new DialField(), line: aLine(), said: null, region: 'DE', onregion, oncall: vi.fn(), onunsay: vi.fn() });
  const list = screen.getByTestId<HTMLSelectElement>('dial-region');
  expect([...list.options].map((one) => one.label)).toEqual(['Germany']);
  await fireEvent.focus(list);
  expect(list.options.length).toBeGreaterThan(200);
  expect([list.value, list.selectedOptions[0]?.label]).toEqual(['DE', 'Germany']);
  await fireEvent.change(list, { target: { value: 'FR' } });
  expect(onregion.mock.calls).toEqual([['FR']]);
});

test('every key of the keypad types itself', async () => {
  const { field, input } = dialler();
  for (const id of ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'star', '0', 'hash']) {
    await fireEvent.click(screen.getByTestId(`key-${id}`));
  }
  expect(field.text).toBe('123456789*0#');
  expect(input.value).toBe('123456789*0#');
  await fireEvent.click(screen.getByTestId('dial-back'));
  expect(field.text).toBe('123456789*0');
});

test('holding 0 gives a plus and no 0', async () => {
  vi.useFakeTimers();
  const { field } = dialler();
  const zero = screen.getByTestId('key-0');
  await fireEvent.pointerDown(zero);
  vi.advanceTimersByTime(600);
  await fireEvent.pointerUp(zero);
  await fireEvent.click(zero);
  expect(field.text).toBe('+');
});

test('a paste into the field is cleaned and replaces what was selected', async () => {
  const { field, input } = dialler();
  await fireEvent.input(input, { target: { value: '+1XX0100' } });
  input.setSelectionRange(2, 4);
  await fireEvent.paste(input, { clipboardData: { getData: () => ' (212) 555-' } });
  expect(field.text).toBe('+12125550100');
});

describe('Call', () => {
  test('by button or Enter, whatever stands in the field: the core judges it', async () => {
    const { field, oncall, input } = dialler();
    await fireEvent.input(input, { target: { value: '0800 FLOWERS' } });
    await fireEvent.click(screen.getByTestId('dial-call'));
    await fireEvent.submit(input);
    expect(oncall).toHaveBeenCalledTimes(2);
    expect(field.text).toBe('0800 FLOWERS');
  });

  test('says which line the call leaves from', () => {
    dialler();
    expect(screen.getByText(/Call from/).parentElement?.textContent).toMatch(/Main line.*\(212\) 555-0100/);
  });
});

test('a notice takes the place of the hint and can be put away', async () => {
  const { onunsay } = dialler('0800 FLOWERS is not a phone number.');
  expect(screen.getByTestId('notice').textContent).toBe('0800 FLOWERS is not a phone number.');
  expect(screen.getByRole('alert')).toBeTruthy();
  await fireEvent.click(screen.getByTestId('notice-dismiss'));
  expect(onunsay).toHaveBeenCalledOnce();
});
