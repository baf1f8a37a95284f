/** What a machine can find wrong with every screen: names, roles, contrast, sizes of targets. Both themes. */
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from './harness';
import { SCREENS } from './screens';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const EVERYTHING = {
  type: 'tag' as const,
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};
/** All that a theme changes. */
const COLOURS = { type: 'rule' as const, values: ['color-contrast'] };
/** All that the room changes: what covers what, how large targets are, what must scroll. */
const ROOM = { type: 'rule' as const, values: ['color-contrast', 'target-size', 'scrollable-region-focusable'] };

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

/** What axe says of the page as it stands, as short lines. */
async function violations(page: Page, runOnly: typeof EVERYTHING | typeof COLOURS | typeof ROOM): Promise<string[]> {
  return page.evaluate(async (what) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const results: AxeResults = await axe.run(document, { runOnly: what, resultTypes: ['violations'] });
    return results.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }, runOnly);
}

test.each(SCREENS.map((screen) => [screen.name, screen] as const))('%s, light and dark, and at 200 %%', async (_, screen) => {
  const { page, faults, context } = await stage.window(screen);
  try {
    await stage.show(page, screen);
    // Evaluated, not added as a script: the content policy of the shell is in force.
    await page.evaluate(await stage.source(AXE));
    expect(await violations(page, EVERYTHING)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForFunction(
      () => document.documentElement.dataset['theme'] === 'dark' && document.getAnimations().length === 0,
    );
    expect(await violations(page, COLOURS)).toEqual([]);
    // Those of another size or zoom are small already.
    if (screen.zoom === undefined && screen.width === undefined) {
      // A web view that doubles the pixels gives the page half as many.
      await page.setViewportSize({ width: 480, height: 320 });
      expect(await violations(page, ROOM)).toEqual([]);
    }
    expect(faults).toEqual([]);
  } finally {
    await context.close();
  }
});

test('nothing is wider than its window, at the smallest size and with long names', async () => {
  for (const [scene, hash, locale = 'en-US'] of [
    ['', 'phone'],
    ['', 'phone', 'de-DE'],
    ['', 'settings/ringing', 'de-DE'],
    ['', 'settings/general', 'de-DE'],
    ['live-held-ringing', 'phone', 'de-DE'],
    ['', 'history'],
    ['', 'contacts/3'],
    ['', 'settings/shortcuts'],
    ['hooks', 'settings/ringing'],
    ['live-held-ringing', 'phone'],
    ['first-run', 'phone'],
  ] as const) {
    const { page, context } = await stage.window({ width: 480, height: 320, locale });
    await stage.show(page, { name: hash, scene, hash });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect([scene, hash, locale, wide]).toEqual([scene, hash, locale, 0]);
    await context.close();
  }
});
