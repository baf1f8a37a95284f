import type { LineState } from '../../backend/backend';
import type { IconName } from './icons';

/** How a state of the line looks. Its words come from the core. */
export interface LineLook {
  icon: IconName;
  /** Class of the words in the navigation. */
  tone: string;
  /** Class of the note that says it at length. */
  note: string;
  /** Trying again now can change it. */
  retry: boolean;
  /** The cure is in Settings. */
  settings: boolean;
}

const LOOKS: Readonly<Record<LineState, LineLook>> = {
  ready: { icon: 'ok', tone: 'go-t', note: 'note--go', retry: false, settings: false },
  connecting: { icon: 'refresh', tone: 'warn-t', note: '', retry: false, settings: false },
  unreachable: { icon: 'cloud-off', tone: 'stop-t', note: 'note--stop', retry: true, settings: false },
  refused: { icon: 'bad', tone: 'stop-t', note: 'note--stop', retry: true, settings: true },
  locked: { icon: 'lock', tone: 'warn-t', note: 'note--warn', retry: true, settings: true },
  broken: { icon: 'bad', tone: 'stop-t', note: 'note--stop', retry: true, settings: false },
  no_trunk: { icon: 'lines', tone: 'warn-t', note: 'note--warn', retry: true, settings: false },
  signed_out: { icon: 'info', tone: 't2', note: '', retry: false, settings: true },
};

export function lineLook(state: LineState): LineLook {
  return LOOKS[state];
}
