/** The main stories without a pointer, in the windows as a person has them: real focus, real Tab. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakePhone } from '../src/lib/backend/fake';
import { Stage } from './harness';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

async function open(scene: string, hash = ''): Promise<{ page: Page; done: () => Promise<void> }> {
  const { page, faults, context } = await stage.window();
  // Whoever reaches for the mouse has failed.
  await page.addInitScript(() => {
    for (const kind of ['pointerdown', 'mousedown'])
      addEventListener(kind, () => console.error('a pointer was used'), true);
  });
  await stage.show(page, { name: scene, scene, hash });
  return {
    page,
    done: async () => {
      expect(faults).toEqual([]);
      await context.close();
    },
  };
}
const press = async (page: Page, ...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
/** Presses Tab until `id` has the focus. */
async function tabTo(page: Page, id: string, key = 'Tab'): Promise<void> {
  for (let step = 0; step < 60; step += 1) {
    if ((await focused(page)) === id) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${id} is not reached by ${key}; the focus is on ${await focused(page)}`);
}
const fake = <T>(page: Page, act: (phone: FakePhone) => T | Promise<T>): Promise<T> =>
  page.evaluate(`(${act.toString()})(window.fakePhone)`);

test('a number is typed anywhere, called, muted, held, and ended', async () => {
  const { page, done } = await open('');
  await page.keyboard.type('2125550155');
  await press(page, 'Enter');
  await page.locator('[data-testid="call-panel"][data-state="live"]').waitFor();
  await press(page, 'm');
  await page.getByTestId('call-mute').and(page.locator('[aria-pressed="true"]')).waitFor();
  await press(page, 'h');
  await page.getByTestId('call-resume').waitFor();
  await press(page, 'h', 'Escape');
  await page.locator('[data-testid="call-panel"][data-held="false"]').waitFor();
  await press(page, 'Control+Shift+D');
  await page.getByTestId('ended-card').waitFor();
  await done();
});

test('a second caller is answered, the calls are swapped, and one is handed over', async () => {
  const { page, done } = await open('live');
  await fake(page, (phone) => phone.ring('+16465550171'));
  await page.getByTestId('answer-hold').waitFor();
  await press(page, 'Control+Shift+A');
  await page.getByTestId('aside-held').waitFor();
  await press(page, 'x');
  await page.getByTestId('call-name').filter({ hasText: 'Elena Marchetti' }).waitFor();
  await press(page, 't');
  await page.getByTestId('transfer-number').waitFor();
  await page.keyboard.type('maria');
  await press(page, 'Enter');
  await page.getByTestId('private-hand-over').waitFor();
  await tabTo(page, 'private-hand-over');
  await press(page, 'Enter');
  await page.getByTestId('aside-handed_over').waitFor();
  await done();
});

test('a caller is found by name and called, from any screen', async () => {
  const { page, done } = await open('', 'settings/general');
  await press(page, 'Control+k');
  await page.getByTestId('palette-input').waitFor();
  await page.keyboard.type('ferr');
  await press(page, 'Enter');
  await page.getByTestId('call-name').filter({ hasText: 'Luis Ferreira' }).or(page.getByTestId('call-number')).first().waitFor();
  await done();
});

test('history: search, look, note, delete, and take it back', async () => {
  const { page, done } = await open('', 'history');
  await press(page, 'Control+f');
  await page.keyboard.type('tanaka');
  await page.locator('mark').first().waitFor();
  await tabTo(page, await first(page, 'history-row'));
  await press(page, 'Home');
  await tabTo(page, 'note');
  await page.keyboard.type('Wants stone samples');
  await page.getByTestId('note-state').filter({ hasText: 'Saved' }).waitFor();
  await tabTo(page, 'history-row', 'Shift+Tab');
  const before = await page.getByTestId('history-row').count();
  await press(page, 'Delete');
  await page.getByTestId('toast').waitFor();
  await expect.poll(() => page.getByTestId('history-row').count()).toBeLessThan(Math.max(1, before));
  await tabTo(page, 'toast-action');
  await press(page, 'Enter');
  await expect.poll(() => page.getByTestId('history-row').count()).toBe(before);
  await done();
});

test('a contact is written down, found and called', async () => {
  const { page, done } = await open('', 'contacts');
  await tabTo(page, 'contacts-new');
  await press(page, 'Enter');
  await page.getByTestId('contact-form-name').waitFor();
  await page.keyboard.type('Dana Okafor');
  await tabTo(page, 'contact-form-number');
  await page.keyboard.type('917 555 0129');
  await press(page, 'Enter');
  await page.getByTestId('contact-name').filter({ hasText: 'Dana Okafor' }).waitFor();
  await tabTo(page, 'contact-call');
  await press(page, 'Enter');
  await page.getByTestId('call-panel').waitFor();
  await done();
});

test('keys are changed, a clash is named, and the new ones act', async () => {
  const { page, done } = await open('', 'settings/shortcuts');
  await tabTo(page, 'keys-find');
  await press(page, 'Enter', 'Control+Shift+M');
  await page.getByTestId('trouble-find').filter({ hasText: 'Mute' }).waitFor();
  await press(page, 'Enter', 'Control+j');
  await page.getByTestId('keys-find').filter({ hasText: 'J' }).waitFor();
  await press(page, 'Control+j');
  await page.getByTestId('palette').waitFor();
  await done();
});

test('the first run, from a pasted file to a test ring', async () => {
  const { page, done } = await open('first-run');
  await tabTo(page, 'first-paste');
  await press(page, 'Enter');
  await tabTo(page, 'env-text');
  await page.keyboard.insertText('LIVEKIT_URL=wss://x.example\nLIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s\n');
  await tabTo(page, 'first-check');
  await press(page, 'Enter');
  await page.getByTestId('env-view').waitFor();
  await tabTo(page, 'first-check');
  await press(page, 'Enter');
  await page.locator('[data-testid="first-run"][data-step="sound"]').waitFor();
  await tabTo(page, 'first-next');
  await press(page, 'Enter');
  await tabTo(page, 'first-understood');
  await press(page, 'Space');
  await tabTo(page, 'first-next');
  await press(page, 'Enter');
  await page.locator('[data-testid="first-run"][data-step="test_ring"]').waitFor();
  await tabTo(page, 'first-ring');
  await press(page, 'Enter');
  await page.getByTestId('incoming-decline').waitFor();
  await press(page, 'Control+Shift+D');
  await tabTo(page, 'first-finish');
  await press(page, 'Enter');
  await page.getByTestId('dial-input').waitFor();
  await done();
});

test('a link fills in the number and never dials', async () => {
  const { page, done } = await open('link');
  await page.getByTestId('link').waitFor();
  expect(await page.getByTestId('dial-input').inputValue()).toBe('+13125550142');
  expect(await page.getByTestId('call-panel').count()).toBe(0);
  await done();
});

test('German from the system, and English by choice', async () => {
  const { page, context } = await stage.window({ locale: 'de-DE' });
  await stage.show(page, { name: 'language', hash: 'settings/general' });
  await page.getByRole('link', { name: 'Kontakte' }).waitFor();
  await page.getByTestId('language').selectOption('en');
  await page.getByRole('link', { name: 'Contacts' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  await context.close();
});

async function first(page: Page, id: string): Promise<string> {
  await page.getByTestId(id).first().waitFor();
  return id;
}
