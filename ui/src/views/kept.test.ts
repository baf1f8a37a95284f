/** What was typed is not lost to a call, a change of screen or an older answer; and keys are printed as they are set. */
import { fireEvent, screen, within } from '@testing-library/svelte';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { speech } from '../lib/language.svelte';
import { Toasts } from '../lib/toasts.svelte';
import { openApp } from '../testing/app';

beforeAll(() => {
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});
beforeEach(() => {
  location.hash = '';
});

const press = async (testid: string) => fireEvent.click(await screen.findByTestId(testid));
const go = (screenNumber: number) => fireEvent.keyDown(document.body, { key: String(screenNumber), ctrlKey: true });
const name = () => screen.getByTestId<HTMLInputElement>('contact-form-name');
const input = (testid: string, value: string) => fireEvent.input(screen.getByTestId(testid), { target: { value } });

describe('a contact that is being written down', () => {
  test('stays as typed when a call changes the lists', async () => {
    const fake = await openApp('', '#/contacts');
    await press('contact-edit');
    await input('contact-form-name', 'Aiko Tanaka-Smith');
    fake.farEndHangsUp(fake.ring());
    await screen.findByTestId('ended-card');
    expect(name().value).toBe('Aiko Tanaka-Smith');
  });

  test('waits while another one or another screen is looked at, and is brought back by its line', async () => {
    const fake = await openApp('', '#/contacts');
    const before = (await fake.contacts('', null, 50)).contacts.length;
    await press('contacts-new');
    await input('contact-form-name', 'Priya Raman');
    await input('contact-form-number', '(312) 555-0144');
    await fireEvent.click(screen.getAllByTestId('contact-row')[1] as HTMLElement);
    expect(screen.queryByTestId('contact-form')).toBeNull();
    await go(1);
    await go(3);
    expect((await screen.findByTestId('contact-waiting')).textContent).toBe('Not saved yet: Priya Raman');
    await press('contact-waiting');
    expect(name().value).toBe('Priya Raman');
    await press('contact-form-save');
    await vi.waitFor(async () => expect((await fake.contacts('', null, 50)).contacts).toHaveLength(before + 1));
    await vi.waitFor(() => expect(screen.queryByTestId('contact-form')).toBeNull());
    expect(screen.queryByTestId('contact-waiting')).toBeNull();
  });

  test('is given up only after a question, and without one where nothing was typed', async () => {
    await openApp('', '#/contacts');
    await press('contacts-new');
    await fireEvent.keyDown(name(), { key: 'Escape' });
    expect(screen.queryByTestId('contact-form')).toBeNull();
    await press('contacts-new');
    await input('contact-form-name', 'Priya');
    await fireEvent.keyDown(name(), { key: 'Escape' });
    await press('give-up-cancel');
    expect(name().value).toBe('Priya');
    await press('contact-form-cancel');
    await press('give-up-confirm');
    expect(screen.queryByTestId('contact-form')).toBeNull();
    expect(screen.queryByTestId('contact-waiting')).toBeNull();
  });
});

test('the note of a call is there when its window is made anew', async () => {
  const fake = await openApp('live');
  const call = fake.calls[0]?.id ?? '';
  await fake.historyNote(call, 'Wants the lobby by June');
  location.hash = '#/history';
  await screen.findByTestId('history-list');
  location.hash = '#/phone';
  await vi.waitFor(() => expect(screen.getByTestId<HTMLTextAreaElement>('note').value).toBe('Wants the lobby by June'));
  expect(screen.getByTestId<HTMLTextAreaElement>('note').disabled).toBe(false);
});

test('the compact window shows the call beside its history, with Mute and Hang up', async () => {
  const fake = await openApp('compact-live');
  expect(screen.queryByTestId('mini-call')).toBeNull();
  await press('compact-history');
  const mini = await screen.findByTestId('mini-call');
  await fireEvent.click(within(mini).getByTestId('mini-mute'));
  await vi.waitFor(() => expect(fake.calls[0]?.muted).toBe(true));
  await fireEvent.click(within(mini).getByTestId('mini-end'));
  await vi.waitFor(() => expect(screen.queryByTestId('mini-call')).toBeNull());
});

test('calls of the last days are chosen without a search', async () => {
  const fake = await openApp('', '#/history');
  const asked = vi.spyOn(fake, 'historyPage');
  await fireEvent.change(await screen.findByTestId('history-when'), { target: { value: 'week' } });
  await vi.waitFor(() => expect(asked.mock.calls.at(-1)?.[2]?.from_ms).toBeGreaterThan(0));
});

test('what is found nowhere near is looked for in all history', async () => {
  await openApp('', '#/contacts');
  await fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true });
  await screen.findByTestId('palette-input');
  await input('palette-input', 'zzz');
  expect(screen.getByText('Nothing recent matches “zzz”')).toBeTruthy();
  await fireEvent.keyDown(screen.getByTestId('palette-input'), { key: 'Enter' });
  expect((await screen.findByTestId<HTMLInputElement>('history-search')).value).toBe('zzz');
});

describe('keys', () => {
  const keysOf = (testid: string) => screen.getByTestId(testid).getAttribute('aria-keyshortcuts');

  test('are printed as they are set, and letters only while they act', async () => {
    const fake = await openApp('live');
    expect(keysOf('call-mute')).toBe('M Control+Shift+M');
    expect(screen.getByTestId('call-mute').textContent).toContain('M');
    const { settings } = await fake.desktopShow();
    const shortcuts = settings.shortcuts.map((one) =>
      one.action === 'answer' ? { ...one, keys: 'Alt+F2' } : one.action === 'find' ? { ...one, keys: null } : one,
    );
    await fake.desktopSet({ ...settings, single_letters: false, shortcuts });
    await vi.waitFor(() => expect(keysOf('call-mute')).toBe('Control+Shift+M'));
    expect(keysOf('call-record')).toBeNull();
    expect(within(screen.getByTestId('call-mute')).queryByText('M')).toBeNull();
    expect(keysOf('find')).toBeNull();
    fake.ring();
    await screen.findByTestId('answer-hold');
    expect([keysOf('answer-hold'), screen.getByTestId('answer-hold').textContent]).toEqual([
      'Alt+F2',
      expect.stringContaining('Alt F2'),
    ]);
  });

  test('have the names of the language, and those of the standard for a screen reader', async () => {
    await speech.speak('de');
    await openApp('ringing');
    const answer = await screen.findByTestId('incoming-answer');
    await vi.waitFor(() => expect(answer.textContent).toContain('Strg Umschalt A'));
    expect(answer.getAttribute('aria-keyshortcuts')).toBe('Control+Shift+A');
    await speech.speak('en');
  });
});

test('a refusal stays until it is dismissed, whatever comes after it, and is said once', () => {
  const toasts = new Toasts();
  toasts.refuse('The disk is full.');
  for (const text of ['one', 'two', 'three', 'four']) toasts.show(text);
  toasts.refuse('The disk is full.');
  expect(toasts.all.map((one) => one.text)).toEqual(['The disk is full.', 'two', 'three', 'four']);
  for (const one of toasts.all) toasts.dismiss(one.id);
});
