import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakePhone } from '../../backend/fake';
import LinesView from '../../../views/LinesView.svelte';

beforeEach(() => {
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});
afterEach(cleanup);

test('each line says what was proven and what was not', async () => {
  render(LinesView, { backend: new FakePhone('', 0) });
  const cards = await screen.findAllByTestId('line-card');
  expect(cards.map((card) => within(card).getByRole('heading').textContent)).toEqual(['Main line', 'Projects line']);
  expect(cards[0]?.textContent).toContain('Incoming works');
  expect(cards[1]?.textContent).toContain('Incoming not proven yet');
});

test('a desk without lines says how one is set up', async () => {
  const backend = new FakePhone('', 0);
  backend.phoneLines.none();
  render(LinesView, { backend });
  expect(await screen.findByText('No line was set up here yet')).toBeTruthy();
  expect(screen.getByTestId('lines-command').textContent).toContain('deskline line add');
});

test('what is broken is shown on the way, mended after a yes, and checked again', async () => {
  render(LinesView, { backend: new FakePhone('', 0) });
  const [, broken] = await screen.findAllByTestId('line-check');
  if (!broken) throw new Error('two lines');
  await fireEvent.click(broken);
  const states = () => screen.getAllByTestId('check-hop').map((hop) => hop.dataset['state']);
  expect(await screen.findByTestId('finding')).toBeTruthy();
  expect(states()).toEqual(['works', 'works', 'works', 'broken', 'not_reached', 'not_reached']);
  await fireEvent.click(screen.getByTestId('fix-D10'));
  expect((await screen.findByTestId('fix-dialog')).textContent).toContain('Callers let in: +1 → everybody');
  await fireEvent.click(screen.getByTestId('fix-confirm'));
  expect(await screen.findByText(/Nothing is wrong/)).toBeTruthy();
  expect(screen.queryByTestId('finding')).toBeNull();
  await fireEvent.click(screen.getByTestId('lines-back'));
  expect(await screen.findAllByTestId('line-card')).toHaveLength(2);
});

test('a refusal is said and the lines stay', async () => {
  const backend = new FakePhone('', 0);
  render(LinesView, { backend });
  const [first] = await screen.findAllByTestId('line-check');
  if (!first) throw new Error('two lines');
  backend.phoneLines.none();
  await fireEvent.click(first);
  expect((await screen.findByTestId('lines-refusal')).textContent).toBe('There is no line of that name.');
  expect(screen.getAllByTestId('line-card')).toHaveLength(2);
});
