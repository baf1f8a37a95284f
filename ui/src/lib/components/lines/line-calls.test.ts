import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import LineCalls from './LineCalls.svelte';

async function calls(at: number) {
  const backend = new FakePhone('', 0);
  const line = (await backend.lines())[at];
  if (!line) throw new Error('no such line');
  render(LineCalls, { backend, line, onsaved: vi.fn() });
  return backend;
}

test('what is set of a line is shown, changed and kept', async () => {
  const backend = await calls(1);
  const prefixes = screen.getByTestId<HTMLTextAreaElement>('line-prefixes');
  expect(prefixes.value).toBe('+44');
  expect(screen.getByTestId('line-fail-over').getAttribute('aria-checked')).toBe('true');
  await fireEvent.input(prefixes, { target: { value: ' +44 \n\n+49' } });
  await fireEvent.click(screen.getByTestId('line-fail-over'));
  await fireEvent.click(screen.getByTestId('line-default'));
  await fireEvent.click(screen.getByTestId('line-rings'));
  await fireEvent.click(screen.getByTestId('line-save'));
  expect((await screen.findByTestId('line-said')).textContent).toContain('Saved.');
  const [first, second] = await backend.lines();
  expect(second?.calling).toMatchObject({ prefixes: ['+44', '+49'], fails_over: false, is_default: true, rings: false });
  expect(first?.calling.is_default).toBe(false);
});

test('what is wrong is said, and what was typed stays', async () => {
  const backend = await calls(1);
  const prefixes = screen.getByTestId<HTMLTextAreaElement>('line-prefixes');
  await fireEvent.input(prefixes, { target: { value: '49' } });
  await fireEvent.click(screen.getByTestId('line-save'));
  const said = await screen.findByRole('alert');
  expect(said.textContent).toContain('is not the beginning of a number');
  expect(prefixes.value).toBe('49');
  expect((await backend.lines())[1]?.calling.prefixes).toEqual(['+44']);
  // a change takes the sentence away
  await fireEvent.input(prefixes, { target: { value: '+49' } });
  expect(screen.queryByTestId('line-said')).toBeNull();
});

test('the number that is shown is one of the line’s own', async () => {
  const backend = await calls(0);
  const list = screen.getByTestId<HTMLSelectElement>('line-caller-id');
  expect([...list.options].map((option) => option.textContent)).toEqual(['(212) 555-0100', '(212) 555-0103']);
  await fireEvent.change(list, { target: { value: '+12125550103' } });
  await fireEvent.click(screen.getByTestId('line-save'));
  await screen.findByRole('status');
  expect((await backend.lines())[0]?.calling.caller_id).toBe('+12125550103');
});
