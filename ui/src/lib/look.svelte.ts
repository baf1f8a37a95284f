/**
 * How the windows look and which language they speak: a choice about this screen, so it is kept by the web view and not by
 * the core. Both windows follow it, and it is there before the first paint.
 */
import { isLanguage, speech, systemLanguage, type Language } from './language.svelte';

const KEY = 'deskline.look';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
/** Percent of the normal text size. */
export const TEXT_SIZES = [90, 100, 110, 125, 150, 175, 200] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

interface Chosen {
  theme: Theme;
  textSize: TextSize;
  language: Language | 'system';
}
const UNCHANGED: Chosen = { theme: 'system', textSize: 100, language: 'system' };

/** What was stored, as far as it makes sense; anything else is as if it was never chosen. */
export function parseLook(stored: string | null): Chosen {
  let found: unknown;
  try {
    found = JSON.parse(stored ?? 'null');
  } catch {
    found = null;
  }
  if (typeof found !== 'object' || found === null) return UNCHANGED;
  const of = (name: string): unknown => (found as Record<string, unknown>)[name];
  const language = of('language');
  return {
    theme: THEMES.find((one) => one === of('theme')) ?? UNCHANGED.theme,
    textSize: TEXT_SIZES.find((one) => one === of('textSize')) ?? UNCHANGED.textSize,
    language: typeof language === 'string' && isLanguage(language) ? language : UNCHANGED.language,
  };
}

class Look {
  #chosen = $state.raw<Chosen>(UNCHANGED);
  #dark: MediaQueryList | null = null;

  get theme(): Theme {
    return this.#chosen.theme;
  }
  get textSize(): TextSize {
    return this.#chosen.textSize;
  }
  get language(): Language | 'system' {
    return this.#chosen.language;
  }

  /** Reads what was chosen and follows the system and the other window from then on. */
  follow(): void {
    this.#dark = window.matchMedia('(prefers-color-scheme: dark)');
    this.#dark.addEventListener('change', () => this.#apply());
    window.addEventListener('languagechange', () => this.#apply());
    window.addEventListener('storage', (event) => {
      if (event.key === KEY) this.#take(event.newValue);
    });
    this.#take(stored());
  }

  choose(change: Partial<Chosen>): void {
    this.#chosen = { ...this.#chosen, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#chosen));
    } catch {
      // A web view without a store of its own forgets it at the end.
    }
    this.#apply();
  }

  #take(text: string | null): void {
    this.#chosen = parseLook(text);
    this.#apply();
  }

  #apply(): void {
    const { theme, textSize, language } = this.#chosen;
    const page = document.documentElement;
    page.dataset['theme'] = theme === 'system' ? (this.#dark?.matches ? 'dark' : 'light') : theme;
    page.style.fontSize = textSize === 100 ? '' : `${textSize}%`;
    speech.language = language === 'system' ? systemLanguage() : language;
    page.lang = speech.language;
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const look = new Look();
