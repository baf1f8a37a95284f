import { isDialKey, isToneKey } from '../number';

export type Screen = 'phone' | 'history' | 'settings';

/** What a key press asks for. */
export type Shortcut =
  | { do: 'show'; screen: Screen }
  | { do: 'answer' }
  | { do: 'decline-or-end' }
  | { do: 'silence' }
  | { do: 'mute' }
  | { do: 'keypad' }
  | { do: 'close-keypad' }
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
  keypadOpen: boolean;
}

const SCREENS: readonly Screen[] = ['phone', 'history', 'settings'];

/** The part of a `KeyboardEvent` that matters. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat'>;

/** The meaning of a key press, or null when it has none and belongs to the page. */
export function shortcutFor(press: KeyPress, at: Situation): Shortcut | null {
  const command = press.ctrlKey || press.metaKey;
  if (press.altKey) return null;
  if (command) return press.shiftKey ? withControlShift(press) : withControl(press);
  if (press.key === 'F6') return { do: 'next-region', back: press.shiftKey };
  if (at.screen !== 'phone') return null;
  return at.inCall ? inCall(press, at) : inDialler(press, at);
}

function withControl(press: KeyPress): Shortcut | null {
  const screen = SCREENS[['1', '2', '3'].indexOf(press.key)];
  return screen ? { do: 'show', screen } : null;
}

function withControlShift(press: KeyPress): Shortcut | null {
  // A held key must not answer and then end the same call.
  if (press.repeat) return null;
  switch (letter(press)) {
    case 'a':
      return { do: 'answer' };
    case 'd':
      return { do: 'decline-or-end' };
    case 's':
      return { do: 'silence' };
    case 'm':
      return { do: 'mute' };
    default:
      return null;
  }
}

function inCall(press: KeyPress, at: Situation): Shortcut | null {
  if (at.editing) return null;
  // Never hangs up.
  if (press.key === 'Escape') return at.keypadOpen ? { do: 'close-keypad' } : null;
  if (press.repeat) return null;
  if (letter(press) === 'm') return { do: 'mute' };
  if (letter(press) === 'k') return { do: 'keypad' };
  if (at.keypadOpen && isToneKey(press.key)) return { do: 'tone', key: press.key };
  return null;
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
