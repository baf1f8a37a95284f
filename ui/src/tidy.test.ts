/** Rules of this folder that a compiler does not know. */
import { expect, test } from 'vitest';
import { en } from './lib/messages/en';

const sources = import.meta.glob<string>(['./**/*.{ts,svelte}', '!./**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const named = (pattern: RegExp) =>
  Object.entries(sources)
    .filter(([, text]) => pattern.test(text))
    .map(([path]) => path);

test('only the shell backend names Tauri', () => {
  expect(named(/['"`]@tauri-apps\//)).toEqual(['./lib/backend/tauri.ts']);
});

test('the generated bindings give types and nothing else', () => {
  const importers = Object.values(sources).flatMap(
    (text) => text.match(/^(import|export)\b[^;]*from '[^']*\/bindings';/gm) ?? [],
  );
  expect(importers.length).toBeGreaterThan(0);
  expect(importers.filter((line) => !/^(import|export) type /.test(line))).toEqual([]);
});

test('components know no backend of their own and no view', () => {
  const inside = Object.entries(sources).filter(([path]) => path.startsWith('./lib/'));
  expect(inside.filter(([, text]) => /from '.*\/views\//.test(text)).map(([path]) => path)).toEqual([]);
});

test('the three tiers: shared components use no call, history or settings component', () => {
  const shared = Object.entries(sources).filter(([path]) => path.includes('/components/shared/'));
  expect(shared.filter(([, text]) => /from '\.\.\/(call|history|settings)\//.test(text)).map(([path]) => path)).toEqual(
    [],
  );
});

test('every message is said somewhere', () => {
  const everything = Object.entries(sources)
    .filter(([path]) => !path.includes('/messages/'))
    .map(([, text]) => text)
    .join('\n');
  const prefixes = [...everything.matchAll(/[( ]`([\w.]+\.)\$\{/g)].map((match) => match[1] ?? '');
  const said = (key: string) => everything.includes(`'${key}'`) || prefixes.some((prefix) => key.startsWith(prefix));
  expect(Object.keys(en).filter((key) => !said(key))).toEqual([]);
});
