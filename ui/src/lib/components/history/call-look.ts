import type { HistoryRow } from '../../backend/backend';
import { say } from '../../words';
import type { IconName } from '../shared/icons';

/** The sign of a call in a list, and what it says to those who cannot see it. */
export function callLook(row: HistoryRow): { icon: IconName; label: string } {
  if (row.missed) return { icon: 'missed', label: say('history.missed') };
  const label = say(`history.direction.${row.direction}`);
  if (row.result === 'elsewhere') return { icon: 'taken', label };
  if (row.result === 'turned_away') return { icon: 'bell-off', label };
  if (row.outcome === 'not_in_service' || row.result === 'failed') return { icon: 'bad', label };
  if (row.number === '') return { icon: 'private', label };
  return { icon: row.direction === 'inbound' ? 'in' : 'out', label };
}
