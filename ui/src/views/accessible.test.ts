import { fireEvent, render, screen } from '@testing-library/svelte';
import axe from 'axe-core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakePhone } from '../lib/backend/fake';
import { SCENES } from '../lib/backend/fake-scenes';
import { openApp } from '../testing/app';
import Overlay from './Overlay.svelte';

beforeEach(() => {
  location.hash = '';
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  // Nor can it draw.
  HTMLCanvasElement.prototype.getContext = () => null;
});
afterEach(() => {
  location.hash = '';
});

/** What a machine can find without drawing: names, roles, states, order. Colours need a browser. */
async function violations(): Promise<string[]> {
  const rules = { 'color-contrast': { enabled: false }, 'target-size': { enabled: false } };
  const { violations } = await axe.run(document.body, { rules, resultTypes: ['violations'] });
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`);
}

test.each(['', ...Object.keys(SCENES)])('the main window, scene %j', async (scene) => {
  await openApp(scene);
  const shown = scene.startsWith('first-run') ? 'first-run' : scene.startsWith('compact') ? 'compact-open' : 'line-status';
  expect(screen.getByTestId(shown)).toBeTruthy();
  expect(await violations()).toEqual([]);
});

test.each(['empty', 'ringing', 'ringing-two', 'live-ringing', 'elsewhere', 'missed'])(
  'the overlay, scene %j',
  async (scene) => {
    render(Overlay, { backend: new FakePhone(scene, 0) });
    await screen.findByRole('heading');
    expect(await violations()).toEqual([]);
  },
);

test.each<[string, string, () => Promise<unknown>]>([
  ['the picker of a transfer', 'live', () => fireEvent.click(screen.getByTestId('call-transfer'))],
  ['the picker of another person', 'live', () => fireEvent.click(screen.getByTestId('call-add'))],
  ['the keypad in a call', 'live', () => fireEvent.click(screen.getByTestId('call-keypad'))],
  ['the menu of availability', '', () => fireEvent.click(screen.getByTestId('availability'))],
  ['find or dial', '', () => fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true })],
  [
    'suggestions',
    '',
    async () => {
      await fireEvent.input(screen.getByTestId('dial-input'), { target: { value: '312' } });
      await fireEvent.keyDown(screen.getByTestId('dial-input'), { key: 'ArrowDown' });
    },
  ],
  ['contacts', '', () => fireEvent.keyDown(document.body, { key: '3', ctrlKey: true })],
  ['history', '', () => fireEvent.keyDown(document.body, { key: '2', ctrlKey: true })],
  ['lines', '', () => fireEvent.keyDown(document.body, { key: '4', ctrlKey: true })],
  ['settings', '', () => fireEvent.keyDown(document.body, { key: '5', ctrlKey: true })],
])('%s', async (_, scene, open) => {
  await openApp(scene);
  await open();
  expect(await violations()).toEqual([]);
});
