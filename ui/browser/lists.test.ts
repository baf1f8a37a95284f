/** A million calls: only what is in sight is on the page, and scrolling keeps up. Figures are printed, not asserted. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './harness';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

/** What of a box that is scrolled for some hundred frames, in milliseconds. */
interface Frames {
  median: number;
  p95: number;
  worst: number;
  /** Of the page's main thread, for each frame: everything, of that its own scripts, style and layout. */
  work: number;
  script: number;
  style: number;
  layout: number;
}

const FRAMES = 240;
/** Pixels of a frame: two thirds of what is in sight, quicker than anybody reads. */
const STEP = 400;

/** Scrolls the box a step further in each frame. */
async function scrolled(page: Page, testid: string): Promise<Frames> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const totals = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    const of = (name: string) => (metrics.find((metric) => metric.name === name)?.value ?? 0) * 1_000;
    return {
      work: of('TaskDuration'),
      script: of('ScriptDuration'),
      style: of('RecalcStyleDuration'),
      layout: of('LayoutDuration'),
    };
  };
  const before = await totals();
  const times = await page.getByTestId(testid).evaluate(
    async (box, [frames, step]) => {
      const times: number[] = [];
      let last = await new Promise(requestAnimationFrame);
      for (let frame = 0; frame < frames; frame += 1) {
        box.scrollTop += step;
        const now = await new Promise(requestAnimationFrame);
        times.push(now - last);
        last = now;
      }
      return times.sort((one, other) => one - other);
    },
    [FRAMES, STEP] as const,
  );
  const after = await totals();
  const each = (name: keyof typeof before) => (after[name] - before[name]) / FRAMES;
  const share = (of: number) => times[Math.floor(times.length * of)] ?? 0;
  return {
    median: share(0.5),
    p95: share(0.95),
    worst: times.at(-1) ?? 0,
    work: each('work'),
    script: each('script'),
    style: each('style'),
    layout: each('layout'),
  };
}

function print(what: string, of: Frames): void {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.log(
    `${what}: frame median ${ms(of.median)}, p95 ${ms(of.p95)}, worst ${ms(of.worst)}; ` +
      `the page's thread ${ms(of.work)} a frame, of it scripts ${ms(of.script)}, style ${ms(of.style)}, layout ${ms(of.layout)}`,
  );
}

test('a million calls are scrolled through with a few rows on the page', async () => {
  const { page, faults, context } = await stage.window();
  // What a frame costs where there is nothing to do in it.
  await page.setContent(
    '<div data-testid="empty" style="height: 600px; overflow-y: auto"><div style="height: 1000000px">nothing</div></div>',
  );
  print('an empty page', await scrolled(page, 'empty'));

  await stage.show(page, { name: 'million', scene: 'million', hash: 'history' }, false);
  const list = page.getByTestId('history-list');
  await page.getByTestId('history-row').first().waitFor();
  print('a million calls', await scrolled(page, 'history-list'));
  const found = await list.evaluate(async (box) => {
    let most = 0;
    for (let step = 0; step < 40; step += 1) {
      box.scrollTop += 400;
      await new Promise(requestAnimationFrame);
      most = Math.max(most, box.querySelectorAll('[role="option"]').length);
    }
    // The first one is kept, because Tab comes in there.
    const row = [...box.querySelectorAll('[role="option"]')].at(-1);
    return {
      most,
      scrolled: box.scrollTop,
      size: row?.getAttribute('aria-setsize') ?? null,
      place: Number(row?.getAttribute('aria-posinset')),
    };
  });
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
