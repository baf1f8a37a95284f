/** A press hits what was aimed at, whatever appears or goes meanwhile. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './harness';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

type Fake = import('../src/lib/backend/fake').FakePhone;
const fake = (page: Page, act: 'ring' | 'hush' | 'lose') =>
  page.evaluate((what) => {
    const { fakePhone } = window as unknown as { fakePhone: Fake };
    const live = fakePhone.calls.find((call) => call.state === 'live');
    const rings = fakePhone.calls.find((call) => call.state === 'offered');
    if (what === 'ring') fakePhone.ring('+16465550171');
    if (what === 'hush' && rings) fakePhone.endCall(rings.id, 'answered_elsewhere');
    if (what === 'lose' && live) fakePhone.change(live.id, { reconnecting: true, words: 'Reconnecting' });
  }, act);

test.each([
  { size: 'of the usual size', width: 960, height: 640 },
  { size: 'at its smallest', width: 480, height: 320 },
])('the controls stay under the pointer in a window $size', async ({ width, height }) => {
  const { page, faults, context } = await stage.window({ width, height });
  await stage.show(page, { name: 'aim', scene: 'live' });
  const mute = page.getByTestId('call-mute');
  const top = async () => (await mute.boundingBox())?.y ?? Number.NaN;
  await mute.hover();
  const aimedAt = await top();

  await fake(page, 'ring');
  await page.getByTestId('incoming-strip').waitFor();
  expect(await top()).toBe(aimedAt);
  await fake(page, 'lose');
  await page.getByRole('alert').filter({ hasText: 'Reconnecting' }).waitFor();
  expect(await top()).toBe(aimedAt);
  await page.mouse.down();
  await page.mouse.up();
  await expect.poll(() => mute.getAttribute('aria-pressed')).toBe('true');

  // Once the pointer is gone they make room, and what appeared covers nothing.
  await page.mouse.move(1, height - 1);
  await expect.poll(top).toBeGreaterThan(aimedAt);
  await mute.hover();
  const below = await top();
  await fake(page, 'hush');
  await page.getByTestId('incoming-strip').waitFor({ state: 'detached' });
  expect(await top()).toBe(below);
  await page.mouse.move(1, height - 1);
  await expect.poll(top).toBeLessThan(below);
  expect(faults).toEqual([]);
  await context.close();
});
