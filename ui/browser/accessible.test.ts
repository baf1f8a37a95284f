/** What a machine can find wrong with every screen: names, roles, contrast, sizes of targets. Both themes. */
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage, type Theme } from './harness';
import { SCREENS, type Screen } from './screens';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

/** What axe says, as short lines. */
async function violations(screen: Screen, theme: Theme): Promise<string[]> {
  const { page, faults, context } = await stage.window({ ...screen, theme });
  try {
    await stage.show(page, screen);
    // Evaluated, not added as a script: the content policy of the shell is in force.
    await page.evaluate(await stage.source(AXE));
    const found = await page.evaluate(async (tags) => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const results: AxeResults = await axe.run(document, {
        runOnly: { type: 'tag', values: tags },
        resultTypes: ['violations'],
      });
      return results.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
    }, TAGS);
    return [...faults, ...found];
  } finally {
    await context.close();
  }
}

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  test.each(SCREENS.map((screen) => [screen.name, screen] as const))('%s', async (_, screen) => {
    expect(await violations(screen, theme)).toEqual([]);
  });
});

test('nothing is wider than its window, at the smallest size and with long names', async () => {
  for (const [scene, hash] of [
    ['', 'phone'],
    ['', 'history'],
    ['', 'contacts/3'],
    ['', 'settings/shortcuts'],
    ['hooks', 'settings/ringing'],
    ['live-held-ringing', 'phone'],
    ['first-run', 'phone'],
  ] as const) {
    const { page, context } = await stage.window({ width: 480, height: 320 });
    await stage.show(page, { name: hash, scene, hash });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect([scene, hash, wide]).toEqual([scene, hash, 0]);
    await context.close();
  }
});
