import { afterEach, expect, test } from 'vitest';
import { isLanguage, LANGUAGES, localeFor, speech, systemLanguage, type Message } from '../language.svelte';
import { dayHeading } from '../format';
import { say } from '../words';
import { de } from './de';
import { en } from './en';

afterEach(() => speech.speak('en'));

const texts = (message: Message): string[] => (typeof message === 'string' ? [message] : Object.values(message));
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test('every language has the same messages', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test.each(Object.keys(LANGUAGES).filter(isLanguage))('%s puts the same values into each message', async (language) => {
  const messages = await LANGUAGES[language].messages();
  const wrong = Object.entries(en as Record<string, Message>).filter(([key, message]) => {
    const other = (messages as Record<string, Message>)[key];
    const wanted = names(texts(message)[0] ?? '').join();
    return !other || texts(other).some((text) => text.trim() === '' || names(text).join() !== wanted);
  });
  expect(wrong.map(([key]) => key)).toEqual([]);
});

test('German is German: few messages are as in English', () => {
  const alike = Object.keys(en).filter((key) => JSON.stringify(en[key as keyof typeof en]) === JSON.stringify(de[key as keyof typeof de]));
  expect(alike.length / Object.keys(en).length).toBeLessThan(0.1);
});

/** Other words for an act that has one: docs/conventions.md, "One word for each act". */
const RETIRED =
  /\b(look|read) again\b|\btry now\b|\bend (call|the call|and answer|for)\b|\bkeep (contact|them)\b|^use these$|\btaken? .*\bback\b|\btake off hold\b|^go on\b|\bmend|^change it$/i;

test('each act has one word', () => {
  const found = Object.entries(en as Record<string, Message>).filter(([, message]) =>
    texts(message).some((text) => RETIRED.test(text)),
  );
  expect(found.map(([key]) => key)).toEqual([]);
});

test('of two languages asked for, the last one is spoken', async () => {
  await Promise.all([speech.speak('de'), speech.speak('en')]);
  expect([speech.language, say('nav.phone')]).toEqual(['en', 'Phone']);
  await speech.speak('de');
  expect([speech.language, say('nav.phone')]).toEqual(['de', 'Telefon']);
});

test('plurals and numbers are those of the language spoken', async () => {
  expect([say('history.count', { count: 1 }), say('history.count', { count: 12_000 })]).toEqual([
    '1 call',
    '12,000 calls',
  ]);
  await speech.speak('de');
  expect([say('history.count', { count: 1 }), say('history.count', { count: 12_000 })]).toEqual([
    '1 Anruf',
    '12.000 Anrufe',
  ]);
  expect(dayHeading(Date.UTC(2026, 0, 6, 12), Date.UTC(2026, 5, 1, 12))).toBe('6. Januar');
});

test('the system chooses the language and its habits, where we speak it', () => {
  expect(systemLanguage(['fr-FR', 'de-AT', 'en-GB'])).toBe('de');
  expect(systemLanguage(['fr-FR'])).toBe('en');
  expect([localeFor('en', ['de-DE', 'en-GB']), localeFor('de', ['en-GB'])]).toEqual(['en-GB', 'de-DE']);
});
