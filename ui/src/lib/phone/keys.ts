/** Keys as they are written in the settings: `Ctrl+Shift+A`. On macOS Ctrl stands for Command. */
import type { ShortcutAction, ShortcutSetting } from '../backend/backend';
import { say } from '../words';
import type { KeyPress } from './shortcuts';

const MODIFIERS = ['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Fn', 'NumLock'];
const NAMED = {
  Ctrl: 'keyName.Ctrl',
  Shift: 'keyName.Shift',
  Alt: 'keyName.Alt',
  Space: 'keyName.Space',
  Up: 'keyName.Up',
  Down: 'keyName.Down',
  Left: 'keyName.Left',
  Right: 'keyName.Right',
  Delete: 'keyName.Delete',
  Home: 'keyName.Home',
  End: 'keyName.End',
} as const;
const ARIA: Readonly<Record<string, string>> = {
  Ctrl: 'Control',
  Up: 'ArrowUp',
  Down: 'ArrowDown',
  Left: 'ArrowLeft',
  Right: 'ArrowRight',
};
const NAMES: Readonly<Record<string, string>> = {
  ' ': 'Space',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
};

/** What was pressed, as the settings write it; null while only modifiers are down. */
export function written(press: KeyPress): string | null {
  if (MODIFIERS.includes(press.key)) return null;
  const place = /^(?:Key|Digit)(.)$/.exec(press.code)?.[1];
  // By place where the layout is not Latin, and where Shift or Alt turned the letter into another sign.
  const latin = /^[a-z]$/i.test(press.key) ? press.key.toUpperCase() : place;
  const key = latin ?? NAMES[press.key] ?? (press.key.length === 1 ? press.key.toUpperCase() : press.key);
  const modifiers = [
    press.ctrlKey || press.metaKey ? 'Ctrl' : '',
    press.altKey ? 'Alt' : '',
    press.shiftKey ? 'Shift' : '',
  ].filter(Boolean);
  return [...modifiers, key].join('+');
}

/** Keys as people here write them: `Strg Umschalt A`. */
export function shownKeys(keys: string): string {
  return keyNames(keys).join(' ');
}

/** Each key by its name in the language spoken. */
export function keyNames(keys: string): string[] {
  return keys.split('+').map((key) => (key in NAMED ? say(NAMED[key as keyof typeof NAMED]) : key));
}

/** Keys as `aria-keyshortcuts` writes them, in every language: `Control+Shift+A`. */
export function ariaKeys(keys: string): string {
  return keys
    .split('+')
    .map((key) => ARIA[key] ?? key)
    .join('+');
}

/** True for keys that no typing needs: with Ctrl or Alt, or a function key. */
export function mayBeShortcut(keys: string): boolean {
  return /^(Ctrl|Alt)\+/.test(keys) || /^(Shift\+)?F\d+$/.test(keys);
}

/** The same keys, however their parts are ordered. */
export function sameKeys(one: string, other: string): boolean {
  const parts = (keys: string) => keys.toLowerCase().split('+').sort().join('+');
  return parts(one) === parts(other);
}

/** What `keys` do in a window of Deskline. */
export function actionFor(keys: string, shortcuts: readonly ShortcutSetting[]): ShortcutAction | null {
  return shortcuts.find((one) => one.keys !== null && sameKeys(one.keys, keys))?.action ?? null;
}

/** The keys until something else is set, and where nothing can be. */
export const USUAL: readonly ShortcutSetting[] = (
  [
    ['answer', 'Ctrl+Shift+A'],
    ['decline_or_end', 'Ctrl+Shift+D'],
    ['silence', 'Ctrl+Shift+S'],
    ['mute', 'Ctrl+Shift+M'],
    ['hold', 'Ctrl+Shift+H'],
    ['keypad', 'Ctrl+Shift+K'],
    ['transfer', 'Ctrl+Shift+T'],
    ['add_person', 'Ctrl+Shift+P'],
    ['swap', 'Ctrl+Shift+X'],
    ['find', 'Ctrl+K'],
    ['search', 'Ctrl+F'],
  ] as const
).map(([action, keys]) => ({ action, keys, global: null }));
