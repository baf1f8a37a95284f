import { describe, expect, test } from 'vitest';
import { SCREENS, shortcutFor, type KeyPress, type Situation } from './shortcuts';

const idle: Situation = { screen: 'phone', editing: false, onControl: false, inCall: false, tool: null };
const inCall: Situation = { ...idle, inCall: true };

/** "Ctrl+Shift+a", "K", "Escape" as a key press. */
function press(text: string, change: Partial<KeyPress> = {}): KeyPress {
  const parts = text === '+' ? ['+'] : text.split('+');
  const key = parts.pop() ?? '';
  return {
    key,
    code: /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : '',
    ctrlKey: parts.includes('Ctrl'),
    metaKey: parts.includes('Meta'),
    altKey: parts.includes('Alt'),
    shiftKey: parts.includes('Shift'),
    repeat: false,
    ...change,
  };
}

describe('anywhere', () => {
  test.each([
    ['Ctrl+1', { do: 'show', screen: 'phone' }],
    ['Ctrl+2', { do: 'show', screen: 'history' }],
    ['Meta+3', { do: 'show', screen: 'contacts' }],
    ['Ctrl+4', { do: 'show', screen: 'lines' }],
    ['Ctrl+5', { do: 'show', screen: 'settings' }],
    ['Ctrl+f', { do: 'search' }],
    ['Ctrl+Shift+A', { do: 'answer' }],
    ['Ctrl+Shift+D', { do: 'decline-or-end' }],
    ['Ctrl+Shift+S', { do: 'silence' }],
    ['Ctrl+Shift+M', { do: 'mute' }],
    ['Ctrl+k', { do: 'find' }],
    ['F6', { do: 'next-region', back: false }],
  ])('%s', (keys, wanted) => {
    for (const screen of SCREENS) {
      expect(shortcutFor(press(keys), { ...inCall, screen, editing: true })).toEqual(wanted);
    }
  });

  test('a held answer key does not act again', () => {
    expect(shortcutFor(press('Ctrl+Shift+A', { repeat: true }), idle)).toBeNull();
  });

  test('copy and paste belong to the page', () => {
    for (const keys of ['Ctrl+c', 'Ctrl+v', 'Alt+1', 'Tab']) expect(shortcutFor(press(keys), idle)).toBeNull();
  });

  test('a layout without Latin letters uses the place of the key', () => {
    expect(shortcutFor(press('Ctrl+Shift+ф', { code: 'KeyA' }), idle)).toEqual({ do: 'answer' });
  });
});

describe('in the dialler', () => {
  test.each(['0', '9', '*', '#', '+'])('%s is typed from anywhere in the view', (key) => {
    expect(shortcutFor(press(key), { ...idle, onControl: true })).toEqual({ do: 'type', key });
    expect(shortcutFor(press(key), { ...idle, editing: true })).toBeNull();
    expect(shortcutFor(press(key), { ...idle, screen: 'history' })).toBeNull();
  });

  test('Enter dials, but on a button it presses the button', () => {
    expect(shortcutFor(press('Enter'), idle)).toEqual({ do: 'dial' });
    expect(shortcutFor(press('Enter'), { ...idle, onControl: true })).toBeNull();
  });

  test('Esc clears, in the field too', () => {
    expect(shortcutFor(press('Escape'), { ...idle, editing: true })).toEqual({ do: 'clear' });
  });
});

describe('in a call', () => {
  test('r records, outside a field only', () => {
    expect(shortcutFor(press('r'), inCall)).toEqual({ do: 'record' });
    expect(shortcutFor(press('r'), { ...inCall, editing: true })).toBeNull();
    expect(shortcutFor(press('r', { repeat: true }), inCall)).toBeNull();
    expect(shortcutFor(press('r'), idle)).not.toEqual({ do: 'record' });
  });

  test.each([
    ['m', { do: 'mute' }],
    ['H', { do: 'hold' }],
    ['k', { do: 'tool', tool: 'keypad' }],
    ['t', { do: 'tool', tool: 'transfer' }],
    ['p', { do: 'tool', tool: 'add' }],
    ['x', { do: 'swap' }],
  ])('%s acts unless a field has the focus, with Ctrl Shift there too and on every screen', (key, wanted) => {
    const editing = { ...inCall, editing: true };
    expect(shortcutFor(press(key), inCall)).toEqual(wanted);
    expect(shortcutFor(press(key), editing)).toBeNull();
    expect(shortcutFor(press(key, { repeat: true }), inCall)).toBeNull();
    expect(shortcutFor(press(`Ctrl+Shift+${key}`), { ...editing, screen: 'history' })).toEqual(wanted);
    expect(shortcutFor(press(`Ctrl+Shift+${key}`), idle)).toBeNull();
  });

  test('digits are tones only while the keypad is open', () => {
    expect(shortcutFor(press('5'), inCall)).toBeNull();
    expect(shortcutFor(press('5'), { ...inCall, tool: 'keypad' })).toEqual({ do: 'tone', key: '5' });
    expect(shortcutFor(press('+'), { ...inCall, tool: 'keypad' })).toBeNull();
  });

  test('Esc never hangs up', () => {
    expect(shortcutFor(press('Escape'), inCall)).toBeNull();
    expect(shortcutFor(press('Escape'), { ...inCall, tool: 'keypad' })).toEqual({ do: 'close-tool' });
    expect(shortcutFor(press('Escape'), { ...inCall, tool: 'transfer', editing: true })).toEqual({ do: 'close-tool' });
  });

  test('Enter does nothing', () => {
    expect(shortcutFor(press('Enter'), inCall)).toBeNull();
  });
});
