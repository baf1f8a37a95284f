/** A million calls: only what is in sight is on the page, and scrolling keeps up. Figures are printed, not asserted. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './harness';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

test('a million calls are scrolled through with a few rows on the page', async () => {
  const { page, faults, context } = await stage.window();
  await stage.show(page, { name: 'million', scene: 'million', hash: 'history' });
  const list = page.getByTestId('history-list');
  await page.getByTestId('history-row').first().waitFor();
  const found = await list.evaluate(async (box) => {
    const frames: number[] = [];
    let most = 0;
    let last = performance.now();
    for (let step = 0; step < 240; step += 1) {
      box.scrollTop += 400;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
      most = Math.max(most, box.querySelectorAll('[role="option"]').length);
    }
    frames.sort((one, other) => one - other);
    // The first one is kept, because Tab comes in there.
    const row = [...box.querySelectorAll('[role="option"]')].at(-1);
    return {
      most,
      median: frames[120] ?? 0,
      p95: frames[228] ?? 0,
      scrolled: box.scrollTop,
      size: row?.getAttribute('aria-setsize') ?? null,
      place: Number(row?.getAttribute('aria-posinset')),
    };
  });
  console.log(`a million calls: frame median ${found.median.toFixed(1)} ms, p95 ${found.p95.toFixed(1)} ms`);
  expect(found.most).toBeLessThan(60);
  expect(found.scrolled).toBeGreaterThan(5_000);
  expect(found.size).toBe('-1');
  expect(found.place).toBeGreaterThan(50);
  expect(faults).toEqual([]);
  await context.close();
});

test('the row with the focus stays on the page while the list is scrolled away', async () => {
  const { page, context } = await stage.window();
  await stage.show(page, { name: 'contacts', scene: 'million', hash: 'contacts' });
  const row = page.getByTestId('contact-row').first();
  await row.focus();
  await page.keyboard.press('ArrowDown');
  await page.getByTestId('contacts-list').evaluate((box) => (box.scrollTop = 2_000));
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset'))).toBe('3');
  await context.close();
});
