import { isDialKey, isToneKey } from '../number';
import type { Tool } from './abilities';

/** The screens in the order of Ctrl 1, Ctrl 2 and so on. */
export const SCREENS = ['phone', 'history', 'contacts', 'settings'] as const;
export type Screen = (typeof SCREENS)[number];

/** What a key press asks for. */
export type Shortcut =
  | { do: 'show'; screen: Screen }
  | { do: 'answer' }
  | { do: 'decline-or-end' }
  | { do: 'silence' }
  | { do: 'mute' }
  | { do: 'hold' }
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

/** The meaning of a key press, or null when it has none and belongs to the page. */
export function shortcutFor(press: KeyPress, at: Situation): Shortcut | null {
  const command = press.ctrlKey || press.metaKey;
  if (press.altKey) return null;
  if (command) return press.shiftKey ? withControlShift(press, at) : withControl(press);
  if (press.key === 'F6') return { do: 'next-region', back: press.shiftKey };
  if (at.screen !== 'phone') return null;
  return at.inCall ? inCall(press, at) : inDialler(press, at);
}

function withControl(press: KeyPress): Shortcut | null {
  if (letter(press) === 'k') return { do: 'find' };
  if (letter(press) === 'f') return { do: 'search' };
  const screen = SCREENS[Number(press.key) - 1];
  return screen ? { do: 'show', screen } : null;
}

function withControlShift(press: KeyPress, at: Situation): Shortcut | null {
  // A held key must not answer and then end the same call.
  if (press.repeat) return null;
  switch (letter(press)) {
    case 'a':
      return { do: 'answer' };
    case 'd':
      return { do: 'decline-or-end' };
    case 's':
      return { do: 'silence' };
    default:
      return at.inCall ? (IN_CALL[letter(press)] ?? null) : null;
  }
}

/** The letters of a call: alone outside a text field, with Ctrl Shift anywhere. */
const IN_CALL: Readonly<Record<string, Shortcut>> = {
  m: { do: 'mute' },
  h: { do: 'hold' },
  k: { do: 'tool', tool: 'keypad' },
  t: { do: 'tool', tool: 'transfer' },
  p: { do: 'tool', tool: 'add' },
  x: { do: 'swap' },
};

function inCall(press: KeyPress, at: Situation): Shortcut | null {
  // Never hangs up.
  if (press.key === 'Escape') return at.tool ? { do: 'close-tool' } : null;
  if (at.editing || press.repeat) return null;
  const known = IN_CALL[letter(press)];
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
