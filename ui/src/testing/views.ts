/** Calls, rows and views for tests: a plain one, changed where the test needs it. */
import { foremost } from '../lib/backend/fake-calls';
import { BEYOND } from '../lib/backend/fake-data';
import type { CallView, HistoryRow, LineView, PersonView, PhoneView } from '../lib/backend/bindings';

export function aCall(change: Partial<CallView> = {}): CallView {
  return {
    id: 'call-1',
    direction: 'outbound',
    number: '+12125550100',
    number_shown: '(212) 555-0100',
    name: null,
    contact: null,
    line: 'Main line',
    state: 'live',
    words: 'Talking',
    started_at_ms: 1_000_000,
    answered_at_ms: 1_008_000,
    ended_at_ms: null,
    muted: false,
    held: false,
    can_transfer: true,
    transfer: null,
    people: [],
    refusals: [],
    private_with: null,
    can_rejoin: false,
    reconnecting: false,
    gives_up_at_ms: null,
    silenced: false,
    quiet: false,
    decline_effect: 'only_here',
    keys_sent: '',
    keys_received: '',
    remembered: null,
    end: null,
    ...change,
  };
}

export function aRingingCall(change: Partial<CallView> = {}): CallView {
  return aCall({ direction: 'inbound', state: 'offered', words: 'Incoming call', answered_at_ms: null, ...change });
}

export function anEndedCall(change: Partial<CallView> = {}): CallView {
  return aCall({
    state: 'ended',
    words: 'Ended',
    answered_at_ms: null,
    ended_at_ms: 1_020_000,
    end: { reason: 'busy', title: 'Busy', advice: 'Try again in a few minutes.', sip_code: 486, missed: false },
    ...change,
  });
}

export function aLine(change: Partial<LineView> = {}): LineView {
  return {
    state: 'ready',
    words: 'This desk will ring',
    detail: null,
    name: 'Main line',
    number: '+12125550100',
    number_shown: '(212) 555-0100',
    next_try_at_ms: null,
    ...change,
  };
}

export function aView(change: Partial<PhoneView> = {}): PhoneView {
  return {
    rev: 1,
    line: aLine(),
    calls: [],
    rings: foremost(change.calls ?? []),
    notice: null,
    availability: { state: 'available' },
    quiet: null,
    quiet_in_part: null,
    ...change,
  };
}

export function aPerson(change: Partial<PersonView> = {}): PersonView {
  return {
    leg: 'leg-1',
    number: '+12125550100',
    number_shown: '(212) 555-0100',
    name: null,
    contact: null,
    state: 'up',
    end: null,
    ...change,
  };
}

export function aRow(change: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: 'row-1',
    direction: 'outbound',
    number: '+12125550100',
    number_shown: '(212) 555-0100',
    name: null,
    line: 'Main line',
    started_at_ms: 1_000_000,
    answered_at_ms: 1_008_000,
    ended_at_ms: 1_011_000,
    duration_s: 3,
    outcome: 'answered',
    words: 'You called',
    missed: false,
    result: 'answered',
    ...BEYOND,
    ...change,
  };
}
