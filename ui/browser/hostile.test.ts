/** Names, numbers and notes that somebody else chose: text and nothing else, wherever they are shown. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakePhone } from '../src/lib/backend/fake';
import { Stage } from './harness';
import { hostileTexts } from './hostile';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.start();
});
afterAll(() => stage.stop());

const NAMES = hostileTexts(500);

test('there are five hundred of them, all different', () => {
  expect(new Set(NAMES).size).toBe(500);
});

interface Page {
  fakePhone: FakePhone;
  struck?: string;
}

test.each(['', 'overlay'])('a caller with any of them, in the window %j', async (hash) => {
  const { page, faults, context } = await stage.window(hash ? { width: 380, height: 200 } : {});
  await stage.show(page, { name: 'hostile', hash });
  const found = await page.evaluate(async (names) => {
    const { fakePhone } = window as unknown as Page;
    const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
    const before = { elements: 0, scripts: document.scripts.length, title: document.title };
    const wrong: string[] = [];
    for (const name of names) {
      const id = fakePhone.ring('+13125550142', { name, number_shown: name });
      await drawn();
      const shown = document.querySelector('[data-testid="incoming-caller"], [data-testid="overlay-caller"]');
      const elements = document.querySelectorAll('*').length;
      before.elements ||= elements;
      if (shown === null) wrong.push(`${name}: not shown`);
      else if (shown.textContent !== name) wrong.push(`${name}: shown as ${shown.textContent}`);
      if (shown && shown.querySelectorAll('*').length > 0) wrong.push(`${name}: has elements`);
      if (document.scripts.length !== before.scripts || document.title !== before.title) wrong.push(`${name}: escaped`);
      if (document.documentElement.scrollWidth > window.innerWidth) wrong.push(`${name}: is wider than the window`);
      fakePhone.endCall(id, 'declined_here');
      void fakePhone.dismiss(id);
    }
    return { wrong, struck: (window as unknown as Page).struck ?? null };
  }, NAMES);
  expect(found).toEqual({ wrong: [], struck: null });
  expect(faults).toEqual([]);
  await context.close();
});

test('and in the history, as name and as note, its neighbours unchanged', async () => {
  const { page, faults, context } = await stage.window({ height: 900 });
  await stage.show(page, { name: 'hostile', scene: 'empty', hash: 'history' });
  await page.evaluate(async (names) => {
    const { fakePhone } = window as unknown as Page;
    for (const [at, name] of names.entries()) {
      const id = fakePhone.ring('+13125550142', { name, number_shown: name });
      fakePhone.endCall(id, 'missed');
      await fakePhone.dismiss(id);
      if (at % 5 === 0) await fakePhone.historyNote(id, name);
    }
  }, NAMES);
  const list = page.getByTestId('history-list');
  // Whatever comes after the scrolling has begun is put above what is looked at.
  const newest = NAMES.at(-1) ?? '';
  await expect.poll(() => list.getByTestId('history-row-who').first().textContent()).toBe(newest);
  const seen = new Set<string>();
  for (let step = 0; step < 120 && seen.size < NAMES.length; step += 1) {
    const rows = await list.evaluate((box) => {
      const found = [...box.querySelectorAll<HTMLElement>('[data-testid="history-row"]')].map((row) => {
        const who = row.querySelector<HTMLElement>('[data-testid="history-row-who"]');
        const height = Math.round(row.getBoundingClientRect().height);
        return { text: who?.textContent ?? '', elements: who?.children.length ?? 1, height };
      });
      box.scrollTop += box.clientHeight * 0.8;
      return found;
    });
    for (const row of rows) {
      seen.add(row.text);
      expect({ ...row, text: '' }).toEqual({ text: '', elements: 0, height: 52 });
    }
    // Rows are made for what is in sight, and not always within a frame: until they fill it, up to the heading of a day.
    await page.waitForFunction((box) => {
      const sight = box?.getBoundingClientRect() ?? new DOMRect();
      const rows = [...(box?.querySelectorAll('[data-testid="history-row"]') ?? [])].map((row) => row.getBoundingClientRect());
      return rows.some((row) => row.top < sight.top + 60) && rows.some((row) => row.bottom > sight.bottom - 60);
    }, await list.elementHandle());
  }
  expect(NAMES.filter((name) => !seen.has(name))).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});
