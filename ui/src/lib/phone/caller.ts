import type { CallView, HistoryRow, LineView } from '../backend/backend';
import { say } from '../words';

type Known = Pick<CallView, 'name' | 'number_shown'> | Pick<HistoryRow, 'name' | 'number_shown' | 'contact'>;

/** The name there is: what the address book says before what the far end says of itself. */
export function nameOf(of: Known): string | null {
  return ('contact' in of ? of.contact : null) ?? of.name;
}

/** Who is at the other end, as one short text: the name, else the number, else that nobody knows. */
export function who(of: Known): string {
  return nameOf(of) ?? (of.number_shown || say('call.unknown'));
}

/** The number under a name; empty when the number already stands where the name would. */
export function secondLine(of: Known): string {
  return nameOf(of) ? of.number_shown : '';
}

/** The line of ours a call came in on or went out from. */
export interface LineShown {
  label: string;
  /** Its number, where the label is a name. */
  number: string | null;
}

/** `of` is a name or a number, as the network told it; the line of this desk is shown under its own name. */
export function lineShown(of: string | null, line: LineView | null): LineShown | null {
  if (!of) return null;
  if (!line || (of !== line.name && of !== line.number)) return { label: of, number: null };
  return line.name ? { label: line.name, number: line.number_shown } : { label: line.number_shown ?? of, number: null };
}
