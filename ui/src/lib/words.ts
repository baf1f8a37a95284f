import { en } from './messages/en';

export type MessageKey = keyof typeof en;

/** The language the windows speak; dates and times use the system's own habits in it. */
export const locale: string = typeof navigator === 'undefined' ? 'en-US' : englishLocale(navigator.languages);

/** The message for `key`, with `{name}` replaced by `values.name`. */
export function say(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return en[key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** The first English the user asked for, so that "10:41 AM" and "10:41" follow the system. */
function englishLocale(languages: readonly string[]): string {
  return languages.find((language) => language.startsWith('en')) ?? 'en-US';
}
