/** Which language the windows speak. English is the measure: every other language has the same messages (`messages.test.ts`). */
import { de } from './messages/de';
import { en } from './messages/en';

/** A sentence, or one for each plural form that the language has; `count` then decides. */
export type Message = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type MessageKey = keyof typeof en;
export type Messages = Readonly<Record<MessageKey, Message>>;

/** The languages there are, each under its own name. */
export const LANGUAGES = {
  en: { name: 'English', messages: en as Messages, locale: 'en-US' },
  de: { name: 'Deutsch', messages: de, locale: 'de-DE' },
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
  language = $state<Language>(systemLanguage());
  readonly locale = $derived(localeFor(this.language));
  readonly messages = $derived<Messages>(LANGUAGES[this.language].messages);
}

/** What is spoken now. Whatever was said with it is said again when it changes. */
export const speech = new Speech();
