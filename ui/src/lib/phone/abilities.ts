import type { CallView, PersonView } from '../backend/backend';

/** What the panel of a call opens beside the facts. */
export type Tool = 'keypad' | 'transfer' | 'add';

/** Which controls a call has now. One that is missing cannot be done in this state. */
export interface Abilities {
  hold: boolean;
  transfer: boolean;
  add: boolean;
  /** Those three are there but have to wait: nothing gets through at the moment. */
  waiting: boolean;
}

/** Everybody on the phone in this call who is not gone. */
export function present(call: CallView): PersonView[] {
  return call.people.filter((person) => person.state !== 'gone');
}

export function abilities(call: CallView): Abilities {
  const handing = call.transfer?.state === 'asked' || call.transfer?.state === 'done';
  const free = call.state === 'live' && !handing;
  const alone = call.private_with !== null;
  return {
    hold: free && !alone,
    transfer: free && present(call).length < 2,
    add: free && !alone,
    waiting: call.reconnecting,
  };
}

/** Whether `tool` can be opened, or kept open, now. */
export function mayOpen(call: CallView, tool: Tool): boolean {
  const can = abilities(call);
  return tool === 'keypad' ? call.state !== 'ending' : can[tool] && !can.waiting;
}
