/**
 * How the windows look and which language they speak. Theme and language are kept by the core and stand in the page before
 * its first paint; the size of the text is about this screen and kept by the web view.
 */
import type { LookView, ThemeSetting } from './backend/backend';
import { isLanguage, speech, systemLanguage } from './language.svelte';

const KEY = 'deskline.textSize';

/** Percent of the normal text size. */
export const TEXT_SIZES = [90, 100, 110, 125, 150, 175, 200] as const;
export type TextSize = (typeof TEXT_SIZES)[number];

const UNCHANGED: LookView = { theme: 'system', language: '', answer_keys: null, decline_keys: null };
const THEMES: readonly ThemeSetting[] = ['system', 'light', 'dark'];

/** What stands in the page, as far as it makes sense. */
export function parseLook(found: unknown): LookView {
  if (typeof found !== 'object' || found === null) return UNCHANGED;
  const of = (name: string): unknown => (found as Record<string, unknown>)[name];
  const text = (name: string) => (typeof of(name) === 'string' ? (of(name) as string) : null);
  return {
    theme: THEMES.find((one) => one === of('theme')) ?? 'system',
    language: text('language') ?? '',
    answer_keys: text('answer_keys'),
    decline_keys: text('decline_keys'),
  };
}

export function parseTextSize(stored: string | null): TextSize {
  return TEXT_SIZES.find((one) => String(one) === stored) ?? 100;
}

class Look {
  #view = $state.raw<LookView>(UNCHANGED);
  #textSize = $state<TextSize>(100);
  #dark: MediaQueryList | null = null;
  #spoken: Promise<void> = Promise.resolve();

  get textSize(): TextSize {
    return this.#textSize;
  }
  /** Keys that answer from any program, once the system has accepted them. */
  get answerKeys(): string | null {
    return this.#view.answer_keys;
  }

  /** Takes what stands in the page, and follows the system and the other window from then on. */
  begin(found: unknown): void {
    this.#dark = window.matchMedia('(prefers-color-scheme: dark)');
    this.#dark.addEventListener('change', () => this.#apply());
    window.addEventListener('languagechange', () => this.#apply());
    window.addEventListener('storage', (event) => {
      if (event.key === KEY) this.#size(parseTextSize(event.newValue));
    });
    this.#view = parseLook(found);
    this.#size(parseTextSize(stored()));
  }

  take(view: LookView): void {
    this.#view = view;
    this.#apply();
  }

  /** Done once the language is there that the look asks for. */
  get spoken(): Promise<void> {
    return this.#spoken;
  }

  setTextSize(size: TextSize): void {
    try {
      localStorage.setItem(KEY, String(size));
    } catch {
      // A web view without a store of its own forgets it at the end.
    }
    this.#size(size);
  }

  #size(size: TextSize): void {
    this.#textSize = size;
    this.#apply();
  }

  #apply(): void {
    const { theme, language } = this.#view;
    const page = document.documentElement;
    page.dataset['theme'] = theme === 'system' ? (this.#dark?.matches ? 'dark' : 'light') : theme;
    page.style.fontSize = this.#textSize === 100 ? '' : `${this.#textSize}%`;
    const wanted = language.toLowerCase().split('-')[0] ?? '';
    this.#spoken = speech.speak(isLanguage(wanted) ? wanted : systemLanguage()).then(() => {
      page.lang = speech.language;
    });
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
