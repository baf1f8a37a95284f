import { numbers, plurals } from './formats';
import { speech, type MessageKey } from './language.svelte';

export type { MessageKey } from './language.svelte';

/** For dates, times, numbers and plurals: the system's own habits in the language spoken. */
export function locale(): string {
  return speech.locale;
}

/**
 * The message for `key` in the language spoken, with `{name}` replaced by `values.name`. A number is written as the
 * language writes it, and `count` chooses the plural form where there are several.
 */
export function say(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  const message = speech.messages[key] ?? key;
  const text = typeof message === 'string' ? message : (message[form(values['count'])] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? numbers(locale()).format(value) : value;
  });
}

function form(count: string | number | undefined): Intl.LDMLPluralRule {
  return typeof count === 'number' ? plurals(locale()).select(count) : 'other';
}
