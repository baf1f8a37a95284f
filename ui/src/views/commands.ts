/** What "Find or dial" can do just now. */
import type { Command } from '../lib/components/desk/Palette.svelte';
import { lineLook } from '../lib/components/shared/line-look';
import { abilities, type Tool } from '../lib/phone/abilities';
import { choices } from '../lib/phone/availability';
import { who } from '../lib/phone/caller';
import type { Phone } from '../lib/phone/phone.svelte';
import { SCREENS, type Screen } from '../lib/phone/shortcuts';
import { say } from '../lib/words';

/** What the window itself is asked for. */
export interface Window {
  show: (screen: Screen) => void;
  toggle: (tool: Tool) => void;
  /** The small window instead, where there can be one. */
  compact?: (on: boolean) => void;
}

export function commandsFor(phone: Phone, window: Window): Command[] {
  return [...ofTheCall(phone, window), ...ofTheDesk(phone), ...ofTheWindow(window)];
}

function ofTheCall(phone: Phone, window: Window): Command[] {
  const call = phone.live;
  if (!call || call.state === 'ending') return [];
  const can = abilities(call);
  const name = { who: who(call) };
  const commands: Command[] = [
    {
      id: 'mute',
      icon: call.muted ? 'mic' : 'mic-off',
      label: say(call.muted ? 'find.unmute' : 'find.mute'),
      act: () => void phone.toggleMuted(call),
    },
  ];
  if (can.hold && !can.waiting)
    commands.push({
      id: 'hold',
      icon: call.held ? 'play' : 'pause',
      label: say(call.held ? 'find.resume' : 'find.hold', name),
      act: () => void phone.toggleHeld(call),
    });
  for (const tool of ['transfer', 'add'] as const)
    if (can[tool] && !can.waiting)
      commands.push({ id: tool, icon: tool, label: say(`find.${tool}`, name), act: () => window.toggle(tool) });
  commands.push({ id: 'end', icon: 'end', label: say('find.end', name), act: () => void phone.hangUp(call) });
  return commands;
}

function ofTheDesk(phone: Phone): Command[] {
  const { view } = phone;
  if (!view || view.line.state === 'signed_out') return [];
  const commands: Command[] = choices(Date.now())
    // Taking calls already, there is nothing to turn on.
    .filter((one) => one.availability.state !== 'available' || view.availability.state !== 'available')
    .map((one) => ({
      id: `availability-${one.id}`,
      icon: one.id === 'take' ? 'ok' : 'moon',
      label: one.label,
      act: () => void phone.setAvailability(one.availability),
    }));
  if (lineLook(view.line.state).retry && view.line.state !== 'no_trunk')
    commands.push({ id: 'retry', icon: 'refresh', label: say('find.retry'), act: () => void phone.retryLine() });
  return commands;
}

function ofTheWindow(window: Window): Command[] {
  const icons = { phone: 'phone', history: 'clock', contacts: 'people', lines: 'lines', settings: 'sliders' } as const;
  const screens = SCREENS.map((screen) => ({
    id: `show-${screen}`,
    icon: icons[screen],
    label: say('find.show', { screen: say(`nav.${screen}`) }),
    act: () => window.show(screen),
  })) satisfies Command[];
  const { compact } = window;
  if (!compact) return screens;
  return [...screens, { id: 'compact', icon: 'open', label: say('compact.small'), act: () => compact(true) }];
}
