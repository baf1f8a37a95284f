import { isDialKey, isToneKey } from '../number';
import type { ShortcutAction, ShortcutSetting } from '../backend/backend';
import type { Tool } from './abilities';
import { actionFor, USUAL, written } from './keys';

/** The screens in the order of Ctrl 1, Ctrl 2 and so on. */
export const SCREENS = ['phone', 'history', 'contacts', 'lines', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** What a key press asks for. */
export type Shortcut =
  | { do: 'show'; screen: Screen }
  | { do: 'answer' }
  | { do: 'decline-or-end' }
  | { do: 'silence' }
  | { do: 'mute' }
  | { do: 'hold' }
  | { do: 'record' }
  | { do: 'swap' }
  | { do: 'tool'; tool: Tool }
  | { do: 'close-tool' }
  | { do: 'find' }
  | { do: 'search' }
  | { do: 'tone'; key: string }
  | { do: 'type'; key: string }
  | { do: 'delete-last' }
  | { do: 'dial' }
  | { do: 'clear' }
  | { do: 'next-region'; back: boolean };

/** Where the key was pressed. */
export interface Situation {
  screen: Screen;
  /** A text field has the focus, so plain keys belong to it. */
  editing: boolean;
  /** A button or link has the focus, so Enter belongs to it. */
  onControl: boolean;
  /** A call is under way. */
  inCall: boolean;
  /** What is open beside the call. */
  tool: Tool | null;
}

/** The part of a `KeyboardEvent` that matters. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat'>;

/** What of the keys a person has set. */
export interface Keymap {
  shortcuts: readonly ShortcutSetting[];
  /** The letters of a call act alone. */
  singleLetters: boolean;
}
const USUAL_KEYMAP: Keymap = { shortcuts: USUAL, singleLetters: true };

/** The meaning of a key press, or null when it has none and belongs to the page. */
export function shortcutFor(press: KeyPress, at: Situation, keymap: Keymap = USUAL_KEYMAP): Shortcut | null {
  const keys = written(press);
  const action = keys === null ? null : actionFor(keys, keymap.shortcuts);
  if (action && action !== 'show') return chosen(action, press, at);
  const command = press.ctrlKey || press.metaKey;
  if (press.altKey) return null;
  if (command) return press.shiftKey ? null : withControl(press);
  if (press.key === 'F6') return { do: 'next-region', back: press.shiftKey };
  if (at.screen !== 'phone') return null;
  return at.inCall ? inCall(press, at, keymap.singleLetters) : inDialler(press, at);
}

function withControl(press: KeyPress): Shortcut | null {
  const screen = SCREENS[Number(press.key) - 1];
  return screen ? { do: 'show', screen } : null;
}

function chosen(action: Exclude<ShortcutAction, 'show'>, press: KeyPress, at: Situation): Shortcut | null {
  if (action === 'find' || action === 'search') return { do: action };
  // A held key must not answer and then end the same call.
  if (press.repeat) return null;
  switch (action) {
    case 'answer':
    case 'silence':
      return { do: action };
    case 'decline_or_end':
      return { do: 'decline-or-end' };
    default:
      return at.inCall ? ACTS_IN_CALL[action] : null;
  }
}

const ACTS_IN_CALL: Readonly<Record<'mute' | 'hold' | 'keypad' | 'transfer' | 'add_person' | 'swap', Shortcut>> = {
  mute: { do: 'mute' },
  hold: { do: 'hold' },
  keypad: { do: 'tool', tool: 'keypad' },
  transfer: { do: 'tool', tool: 'transfer' },
  add_person: { do: 'tool', tool: 'add' },
  swap: { do: 'swap' },
};

/** The letters of a call: alone outside a text field, unless turned off. */
const IN_CALL: Readonly<Record<string, Shortcut>> = {
  m: ACTS_IN_CALL.mute,
  h: ACTS_IN_CALL.hold,
  k: ACTS_IN_CALL.keypad,
  t: ACTS_IN_CALL.transfer,
  p: ACTS_IN_CALL.add_person,
  x: ACTS_IN_CALL.swap,
  r: { do: 'record' },
};

/** The letters of a call, as they are printed. */
export const LETTERS: readonly string[] = Object.keys(IN_CALL).map((key) => key.toUpperCase());

function inCall(press: KeyPress, at: Situation, letters: boolean): Shortcut | null {
  // Never hangs up.
  if (press.key === 'Escape') return at.tool ? { do: 'close-tool' } : null;
  if (at.editing || press.repeat) return null;
  const known = letters ? IN_CALL[letter(press)] : undefined;
  if (known) return known;
  return at.tool === 'keypad' && isToneKey(press.key) ? { do: 'tone', key: press.key } : null;
}

function inDialler(press: KeyPress, at: Situation): Shortcut | null {
  if (press.key === 'Escape') return { do: 'clear' };
  if (at.editing) return null;
  if (isDialKey(press.key)) return { do: 'type', key: press.key };
  if (press.key === 'Backspace') return { do: 'delete-last' };
  if (press.key === 'Enter' && !at.onControl) return { do: 'dial' };
  return null;
}

/** The Latin letter on the key: as the layout has it, or by place where the layout is not Latin. */
function letter(press: KeyPress): string {
  const key = press.key.toLowerCase();
  if (/^[\x20-\x7e]$/.test(key)) return key;
  return /^Key[A-Z]$/.test(press.code) ? press.code.slice(3).toLowerCase() : '';
}
