import type { ShortcutAction } from '../backend/backend';
import { ariaKeys, USUAL } from './keys';
import type { Keymap } from './shortcuts';

/** The keys that act in this window: the usual ones until the core has said what is set. Whoever prints a key asks here. */
class KeymapInForce {
  #inForce = $state.raw<Keymap>({ shortcuts: USUAL, singleLetters: true });

  get inForce(): Keymap {
    return this.#inForce;
  }
  take(set: Keymap): void {
    this.#inForce = set;
  }
  /** The keys of an action, as the settings write them; null: none are set. */
  keysOf(action: ShortcutAction): string | null {
    return this.#inForce.shortcuts.find((one) => one.action === action)?.keys ?? null;
  }
  /** The letter of something that can be done in a call, while letters act alone. */
  letter(letter: string): string | null {
    return this.#inForce.singleLetters ? letter : null;
  }
  /** All keys of a control for `aria-keyshortcuts`: its letter and its combination. */
  aria(letter: string | null, action: ShortcutAction | null): string | undefined {
    const alone = letter && this.letter(letter);
    const combination = action && this.keysOf(action);
    return [alone, combination && ariaKeys(combination)].filter(Boolean).join(' ') || undefined;
  }
}

export const keymap = new KeymapInForce();
