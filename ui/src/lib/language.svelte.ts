/**
 * Which language the windows speak. English is the measure: every other language has the same messages (`messages.test.ts`).
 * Only the file of the one that is spoken is read.
 */
import type { en } from './messages/en';

/** A sentence, or one for each plural form that the language has; `count` then decides. */
export type Message = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type MessageKey = keyof typeof en;
export type Messages = Readonly<Record<MessageKey, Message>>;

/** The languages there are, each under its own name. */
export const LANGUAGES = {
  en: { name: 'English', locale: 'en-US', messages: async (): Promise<Messages> => (await import('./messages/en')).en },
  de: { name: 'Deutsch', locale: 'de-DE', messages: async (): Promise<Messages> => (await import('./messages/de')).de },
} as const;
export type Language = keyof typeof LANGUAGES;

export function isLanguage(name: string): name is Language {
  return name in LANGUAGES;
}

const system = (): readonly string[] => (typeof navigator === 'undefined' ? [] : navigator.languages);
const language = (tag: string) => tag.toLowerCase().split('-')[0] ?? '';

/** The first language the system asks for that we speak. */
export function systemLanguage(tags: readonly string[] = system()): Language {
  return tags.map(language).find(isLanguage) ?? 'en';
}

/** The system's own kind of that language, so that "10:41 AM" and "10:41" follow it. */
export function localeFor(spoken: Language, tags: readonly string[] = system()): string {
  return tags.find((tag) => language(tag) === spoken) ?? LANGUAGES[spoken].locale;
}

class Speech {
  #language = $state<Language>(systemLanguage());
  #messages = $state.raw<Partial<Messages>>({});
  #asked: Language | null = null;
  readonly locale = $derived(localeFor(this.#language));

  get language(): Language {
    return this.#language;
  }
  /** Empty until a language was read. */
  get messages(): Partial<Messages> {
    return this.#messages;
  }

  /** Speaks another language from when its messages are read on. Of several that are asked for, the last one counts. */
  async speak(language: Language): Promise<void> {
    if (this.#asked === language) return;
    this.#asked = language;
    const messages = await LANGUAGES[language].messages();
    if (this.#asked !== language) return;
    this.#messages = messages;
    this.#language = language;
  }
}

/** What is spoken now. Whatever was said with it is said again when it changes. */
export const speech = new Speech();
