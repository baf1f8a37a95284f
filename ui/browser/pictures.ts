/** Takes a picture of every screen, and lays them out beside the design's where that is at hand. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'vitest';
import { Stage, type Theme } from './harness';
import { SCREENS, type Screen } from './screens';

const TO = process.env['PICTURES_TO'] ?? '../target/pictures';
const DESIGN = process.env['PICTURES_DESIGN'];
const ONLY = process.env['PICTURES_ONLY']?.split(',');

const wanted = SCREENS.filter((screen) => !ONLY || ONLY.some((one) => screen.name.startsWith(one)));
const fileOf = (screen: Screen, theme: Theme) => `${screen.name}${theme === 'dark' ? '-dark' : ''}.png`;

test('pictures', { timeout: 600_000 }, async () => {
  await mkdir(TO, { recursive: true });
  const stage = await Stage.start();
  try {
    for (const theme of ['light', 'dark'] as const)
      for (const screen of wanted) {
        const { page, faults, context } = await stage.window({ ...screen, theme });
        await stage.show(page, screen);
        await page.evaluate(() => document.fonts.ready);
        await page.screenshot({ path: join(TO, fileOf(screen, theme)), animations: 'disabled', caret: 'hide' });
        await context.close();
        if (faults.length > 0) throw new Error(`${screen.name} ${theme}: ${faults.join('; ')}`);
      }
    await sheets(stage);
  } finally {
    await stage.stop();
  }
});

/** A page for each theme with every picture on it, and beside it the design's. */
async function sheets(stage: Stage): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    const cells = await Promise.all(
      wanted.map(async (screen) => {
        const ours = await asData(join(TO, fileOf(screen, theme)));
        const design = DESIGN ? join(DESIGN, fileOf(screen, theme)) : '';
        const theirs = design && existsSync(design) ? `<img src="${await asData(design)}">` : '';
        return `<figure><figcaption>${screen.name}</figcaption><div><img src="${ours}">${theirs}</div></figure>`;
      }),
    );
    const html = `<!doctype html><meta charset="utf-8"><title>Screens, ${theme}</title><style>
      body{margin:24px;font:14px system-ui;background:${theme === 'dark' ? '#0a0a0b;color:#ddd' : '#dddad4'};display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(${DESIGN ? 860 : 430}px,1fr))}
      figure{margin:0}div{display:flex;gap:8px;align-items:start}img{max-width:420px;max-height:340px;border-radius:6px}figcaption{padding-bottom:6px}</style>${cells.join('')}`;
    const { page, context } = await stage.window({ width: DESIGN ? 1800 : 1800, height: 1200 });
    await page.setContent(html);
    await page.screenshot({ path: join(TO, `sheet-${theme}.png`), fullPage: true });
    await context.close();
    await rm(join(TO, `sheet-${theme}.html`), { force: true });
    if (DESIGN) await writeFile(join(TO, `sheet-${theme}.html`), html);
  }
}

async function asData(path: string): Promise<string> {
  return `data:image/png;base64,${(await readFile(path)).toString('base64')}`;
}
