/** Keys as they are written in the settings: `Ctrl+Shift+A`. On macOS Ctrl stands for Command. Pure. */
import type { ShortcutAction, ShortcutSetting } from '../backend/backend';
import type { KeyPress } from './shortcuts';

const MODIFIERS = ['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Fn', 'NumLock'];
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
