/** Keys: which of them mean something here, and what is done then. */
import type { CallView, OtherCall } from '../lib/backend/backend';
import type { Desk } from '../lib/desk/desk.svelte';
import { cleanPaste } from '../lib/number';
import { abilities, type Tool } from '../lib/phone/abilities';
import type { DialField } from '../lib/phone/dial-field.svelte';
import { keymap } from '../lib/phone/keymap.svelte';
import type { Phone } from '../lib/phone/phone.svelte';
import { mayRecord } from '../lib/phone/recording';
import { shortcutFor, type Shortcut } from '../lib/phone/shortcuts';
import { focusNextRegion, isControl, isEditing } from './focus';
import type { Route } from './route.svelte';
import type { OpenTool } from './tool.svelte';

/** What keys act on. */
export interface Keyboard {
  phone: Phone;
  desk: Desk;
  route: Route;
  field: DialField;
  tool: OpenTool;
  find: () => void;
  answer: (other: OtherCall) => void;
  toggle: (tool: Tool) => void;
  record: (call: CallView) => void;
  dial: () => void;
}

export function keydown(event: KeyboardEvent, board: Keyboard): void {
  if (event.defaultPrevented || event.isComposing) return;
  // A question on the screen takes all keys but those of a call, which cannot wait.
  if (document.querySelector('dialog[open]') && !(event.shiftKey && (event.ctrlKey || event.metaKey))) return;
  const situation = {
    screen: board.route.screen,
    editing: isEditing(event.target),
    onControl: isControl(event.target),
    inCall: board.phone.live !== null,
    tool: board.tool.shown,
  };
  const shortcut = shortcutFor(event, situation, keymap.inForce);
  if (!shortcut) return;
  event.preventDefault();
  perform(shortcut, board);
}

/** A number that is pasted anywhere in the dialler. */
export function paste(event: ClipboardEvent, { phone, route, field }: Keyboard): void {
  if (event.defaultPrevented || route.screen !== 'phone' || phone.live || isEditing(event.target)) return;
  const text = event.clipboardData?.getData('text');
  if (!text) return;
  event.preventDefault();
  field.append(cleanPaste(text));
}

/** The call to talk on after the one now: the first that waits. */
function swap(phone: Phone): void {
  const next = phone.aside.find((call) => call.held && call.state === 'live');
  if (next) void phone.toggleHeld(next);
}

function perform(shortcut: Shortcut, board: Keyboard): void {
  const { phone, desk, route, field } = board;
  const { live, offered, talking } = phone;
  switch (shortcut.do) {
    case 'show':
      return route.go(shortcut.screen);
    case 'answer':
      return board.answer(talking && talking.state !== 'live' ? 'end' : 'hold');
    case 'decline-or-end':
      if (offered) void phone.decline(offered);
      else if (live) void phone.hangUp(live);
      return;
    case 'silence':
      if (offered) void phone.silence(offered);
      return;
    case 'mute':
      if (live) void phone.toggleMuted(live);
      return;
    case 'hold':
      if (live && abilities(live).hold) void phone.toggleHeld(live);
      return;
    case 'record':
      if (live && mayRecord(desk.sound.view, live)) board.record(live);
      return;
    case 'swap':
      return swap(phone);
    case 'tool':
      return board.toggle(shortcut.tool);
    case 'close-tool':
      return board.tool.close();
    case 'tone':
      if (live) void phone.sendKeys(live, shortcut.key);
      return;
    case 'type':
      field.append(shortcut.key);
      document.querySelector<HTMLInputElement>('[data-testid="dial-input"]')?.focus();
      return;
    case 'delete-last':
      return field.deleteLast();
    case 'dial':
      return board.dial();
    case 'clear':
      return field.clear();
    case 'find':
      return board.find();
    case 'search':
      if (route.screen === 'phone') board.find();
      else document.querySelector<HTMLInputElement>('[data-search]')?.focus();
      return;
    case 'next-region':
      return focusNextRegion(shortcut.back);
  }
}
