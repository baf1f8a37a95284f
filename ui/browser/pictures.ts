/**
 * Takes a picture of every screen in both themes, at 100 % and at 200 %, and lays them out on sheets, beside the design's
 * where that is at hand. Below the sheets of 200 % there is a file of its own only for a screen that asks for that zoom:
 * with one for each, the folder would weigh twice as much and tell no more.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { Stage, type Theme } from './harness';
import { SCREENS, type Screen } from './screens';

const TO = process.env['PICTURES_TO'] ?? '../target/pictures';
const DESIGN = process.env['PICTURES_DESIGN'];
const ONLY = process.env['PICTURES_ONLY']?.split(',');

const THEMES = ['light', 'dark'] as const;
const wanted = SCREENS.filter((screen) => !ONLY || ONLY.some((one) => screen.name.startsWith(one)));
/** Windows of the usual size; the others are small already, or have their picture at 200 % in the list. */
const twice: Screen[] = wanted
  .filter((screen) => screen.zoom === undefined && screen.width === undefined)
  .map((screen) => ({ ...screen, zoom: 2 }));
const fileOf = (screen: Screen, theme: Theme) => `${screen.name}${theme === 'dark' ? '-dark' : ''}.png`;

test('pictures', { timeout: 1_800_000 }, async () => {
  await mkdir(TO, { recursive: true });
  const aside = await mkdtemp(join(tmpdir(), 'deskline-pictures-'));
  const stage = await Stage.start();
  try {
    for (const theme of THEMES) {
      await take(stage, wanted, theme, TO);
      await take(stage, twice, theme, aside);
      await sheet(stage, wanted, theme, TO, `sheet-${theme}`, DESIGN);
      await sheet(stage, twice, theme, aside, `sheet-200-${theme}`);
    }
  } finally {
    await stage.stop();
    await rm(aside, { recursive: true });
  }
});

async function take(stage: Stage, screens: readonly Screen[], theme: Theme, to: string): Promise<void> {
  for (const screen of screens) {
    const { page, faults, context } = await stage.window({ ...screen, theme });
    await stage.show(page, screen);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(to, fileOf(screen, theme)), animations: 'disabled', caret: 'hide' });
    await context.close();
    if (faults.length > 0) throw new Error(`${screen.name} ${theme}: ${faults.join('; ')}`);
  }
}

/** A page with every picture in `from` on it, and beside it the design's. */
async function sheet(
  stage: Stage,
  screens: readonly Screen[],
  theme: Theme,
  from: string,
  name: string,
  designs?: string,
): Promise<void> {
  if (screens.length === 0) return;
  const cells = await Promise.all(
    screens.map(async (screen) => {
      const ours = await asData(join(from, fileOf(screen, theme)));
      const design = designs ? join(designs, fileOf({ ...screen, name: screen.design ?? screen.name }, theme)) : '';
      const theirs = design && existsSync(design) ? `<img src="${await asData(design)}">` : '';
      return `<figure><figcaption>${screen.name}</figcaption><div><img src="${ours}">${theirs}</div></figure>`;
    }),
  );
  const html = `<!doctype html><meta charset="utf-8"><title>Screens, ${theme}</title><style>
    body{margin:24px;font:14px system-ui;background:${theme === 'dark' ? '#0a0a0b;color:#ddd' : '#dddad4'};display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(${designs ? 860 : 430}px,1fr))}
    figure{margin:0}div{display:flex;gap:8px;align-items:start}img{max-width:420px;max-height:340px;border-radius:6px}figcaption{padding-bottom:6px}</style>${cells.join('')}`;
  const { page, context } = await stage.window({ width: 1800, height: 1200 });
  await page.setContent(html);
  await page.screenshot({ path: join(TO, `${name}.png`), fullPage: true });
  await context.close();
  if (designs) await writeFile(join(TO, `${name}.html`), html);
}

async function asData(path: string): Promise<string> {
  return `data:image/png;base64,${(await readFile(path)).toString('base64')}`;
}
