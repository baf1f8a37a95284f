/** The people, numbers and sentences of the fake phone. All invented; the sentences stand in for the core's. */
import type { CallDetails } from './backend';
import type {
  AccountView,
  CallState,
  CallView,
  DevicesView,
  EndView,
  HistoryRow, RowDetails,
  LineState,
  LineView,
} from './bindings';

export const STATE_WORDS: Readonly<Record<CallState, string>> = {
  preparing: 'Preparing',
  joining: 'Connecting',
  dialling: 'Dialling',
  remote_ringing: 'Ringing',
  offered: 'Incoming call',
  claiming: 'Answering',
  answering: 'Answering',
  live: 'In call',
  stranded: 'Still on the line',
  handed_over: 'They talk without you',
  ending: 'Ending',
  ended: 'Ended',
};

export const NAMES: Readonly<Record<string, string>> = {
  '+13125550142': 'Elena Marchetti',
  '+16465550171': 'Northgate Dental',
  '+13125550148': 'Harbor Street Building Management, Facilities and Deliveries Desk',
  '+14155550155': 'Aiko Tanaka',
  '+12125550117': 'Maria Lindqvist',
  '+12125550118': 'Samuel Adeyemi',
};

/** Whose numbers are in the address book, and under which id. */
const KNOWN: readonly (readonly [number: string, contact: string, id: number])[] = [
  ['+14155550155', 'Aiko Tanaka', 1],
  ['+13125550142', 'Elena Marchetti', 2],
  ['+12125550117', 'Maria Lindqvist', 5],
  ['+16465550171', 'Northgate Dental', 6],
];

export const LINES: Readonly<Record<LineState, Pick<LineView, 'words' | 'detail'>>> = {
  ready: { words: 'This desk will ring', detail: null },
  connecting: { words: 'Connecting', detail: null },
  unreachable: {
    words: 'Calls do not ring here: LiveKit cannot be reached.',
    detail: 'Often a company firewall or VPN.',
  },
  refused: {
    words: 'Calls do not ring here: LiveKit refused the key.',
    detail: 'Check the key and the secret in Settings.',
  },
  locked: { words: 'Calls do not ring here: the keychain is locked.', detail: 'Unlock it, then try again.' },
  broken: {
    words: 'Calls do not ring here: the LiveKit engine is missing.',
    detail: 'Install Deskline again.',
  },
  no_trunk: { words: 'No line to ring yet', detail: 'The project has no phone number connected.' },
  signed_out: { words: 'Not signed in', detail: null },
};

const ENDS = {
  busy: { title: 'Busy', advice: 'Try again in a few minutes.', sip_code: 486 },
  not_in_service: { title: 'Number not in service', advice: 'Check the number.', sip_code: 404 },
  declined: { title: 'Declined', advice: null, sip_code: 603 },
  no_answer: { title: 'No answer', advice: 'Try again later.', sip_code: 408 },
  hung_up_here: { title: 'You hung up', advice: null, sip_code: null },
  hung_up_there: { title: 'They hung up', advice: null, sip_code: null },
  cancelled: { title: 'You hung up before they answered', advice: null, sip_code: null },
  declined_here: { title: 'You declined', advice: null, sip_code: null },
  missed: { title: 'Missed', advice: 'The caller hung up.', sip_code: null },
  transferred: { title: 'Transferred', advice: null, sip_code: null },
  answered_elsewhere: { title: 'Maria Lindqvist is answering', advice: null, sip_code: null },
} as const;

export type FakeReason = keyof typeof ENDS;

export function endOf(reason: FakeReason): EndView {
  return { reason, missed: reason === 'missed', ...ENDS[reason] };
}

/** What the number answers, by its last two digits. */
export function behaviourOf(number: string): FakeReason | 'answers' | 'rings' {
  const byEnding: Readonly<Record<string, FakeReason | 'rings'>> = {
    '01': 'busy',
    '02': 'not_in_service',
    '03': 'declined',
    '04': 'rings',
  };
  return byEnding[number.slice(-2)] ?? 'answers';
}

/** `+12125550100` as `(212) 555-0100`; anything else as it is. */
export function shown(number: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : number;
}

const NOTHING_MORE: RowDetails = {
  dialled: null,
  answered_by: null,
  transferred_to: null,
  sip_code: null,
  sip_call_id: null,
  provider_call_id: null,
  microphone: null,
  speaker: null,
  lost_per_mille: null,
  jitter_max_ms: null,
  reconnections: null,
  recording: null,
  refusals: [],
};

/** What a row says beyond its headline, where nothing is known. */
export const BEYOND = {
  contact: null,
  contact_id: null,
  rang_s: null,
  seen: false,
  note: '',
  details: NOTHING_MORE,
};

export function row(call: CallView): HistoryRow {
  const talked =
    call.answered_at_ms !== null && call.ended_at_ms !== null ? (call.ended_at_ms - call.answered_at_ms) / 1000 : null;
  const words =
    talked !== null ? (call.direction === 'outbound' ? 'You called' : 'You answered') : (call.end?.title ?? call.words);
  return {
    id: call.id,
    direction: call.direction,
    number: call.number,
    number_shown: call.number_shown,
    name: call.name,
    line: call.line,
    started_at_ms: call.started_at_ms,
    answered_at_ms: call.answered_at_ms,
    ended_at_ms: call.ended_at_ms,
    duration_s: talked === null ? null : Math.round(talked),
    outcome: talked !== null ? 'answered' : (call.end?.reason ?? call.state),
    words,
    missed: call.end?.missed ?? false,
    ...BEYOND,
    result: talked !== null ? 'answered' : call.end?.missed ? 'missed' : 'not_reached',
  };
}

/** Calls of the last days, newest first. */
export function pastCalls(nowMs: number): HistoryRow[] {
  const minute = 60_000;
  const day = 24 * 60 * minute;
  const past = (
    agoMs: number,
    number: string,
    direction: HistoryRow['direction'],
    outcome: string,
    words: string,
    seconds: number | null,
  ): HistoryRow => {
    const at = nowMs - agoMs;
    return {
      id: `past-${agoMs}`,
      direction,
      number,
      number_shown: number ? shown(number) : 'Private number',
      name: NAMES[number] ?? null,
      line: 'Main line',
      started_at_ms: at,
      answered_at_ms: seconds === null ? null : at + 8_000,
      ended_at_ms: at + 8_000 + (seconds ?? 12) * 1000,
      duration_s: seconds,
      outcome,
      words,
      missed: outcome === 'missed',
      ...BEYOND,
      result: outcome === 'answered' ? 'answered' : outcome === 'missed' ? 'missed' : 'not_reached',
    };
  };
  const rows: HistoryRow[] = [
    past(4 * minute, '+13125550142', 'inbound', 'answered', 'You answered', 252),
    past(9 * minute, '+16465550171', 'outbound', 'answered', 'You called', 185),
    past(38 * minute, '+13125550148', 'inbound', 'missed', 'Missed, rang 24 s', null),
    past(65 * minute, '+16465550198', 'inbound', 'missed', 'Missed, rang 6 s', null),
    past(80 * minute, '+14155550155', 'inbound', 'answered', 'You answered', 731),
    past(day, '+12125550104', 'outbound', 'no_answer', 'You called, no answer', null),
    past(day + 70 * minute, '+17185550102', 'outbound', 'not_in_service', 'You called, number not in service', null),
    past(day + 90 * minute, '', 'inbound', 'answered', 'You answered', 61),
    past(3 * day, '+13125550142', 'outbound', 'answered', 'You called', 48),
    past(3 * day + 20 * minute, '+12125550101', 'outbound', 'busy', 'You called, busy', null),
  ];
  const [elena, northgate, harbor] = rows;
  if (elena) {
    elena.note = 'Wants the revised lobby quote today. New direct number (415) 555-0163.';
    elena.rang_s = 9;
    elena.details = {
      ...NOTHING_MORE,
      microphone: 'USB headset',
      speaker: 'USB headset',
      lost_per_mille: 2,
      jitter_max_ms: 4,
      reconnections: 0,
      provider_call_id: 'CA5d2c7f21',
      recording: '/profile/recordings/Call 2026-11-19 10.46.13.opus',
    };
  }
  if (northgate) northgate.details = { ...NOTHING_MORE, dialled: '646 555 0171', speaker: 'USB headset' };
  if (harbor) harbor.rang_s = 24;
  for (const [number, contact, id] of KNOWN)
    for (const one of rows) if (one.number === number) Object.assign(one, { contact, contact_id: id });
  for (let old = 0; old < 60; old += 1) {
    rows.push(
      past(
        (8 + old) * day,
        `+1212555${String(100 + (old % 90)).padStart(4, '0')}`,
        'outbound',
        'answered',
        'You called',
        30 + old,
      ),
    );
  }
  return rows;
}

/** Everything that is known of a call: a little more than its row. */
export function detailsOf(row: HistoryRow): CallDetails {
  const event = (afterMs: number, kind: string): CallDetails['events'][number] => ({
    at_ms: row.started_at_ms + afterMs,
    source: 'livekit webhook',
    kind,
    payload: JSON.stringify({ event: kind, room: { name: row.id } }, null, 2),
  });
  const quality = row.details.lost_per_mille !== null;
  return {
    row,
    room: `call-${row.id}`,
    jitter_mean_ms: quality ? 2 : null,
    packets_received: quality ? 12_480 : null,
    packets_lost: quality ? 25 : null,
    people: [],
    events: quality ? [event(0, 'room_started'), event(40, 'participant_joined'), event(261_000, 'room_finished')] : [],
  };
}

export const ACCOUNT: AccountView = {
  url: 'wss://front-desk.example',
  key: 'APIexample',
  has_secret: true,
  keychain: 'ready',
  words: 'The secret is in the keychain of this computer.',
};

export const DEVICES: DevicesView = {
  microphone: 'USB headset',
  speaker: 'USB headset',
  microphones: ['USB headset', 'Built-in microphone'],
  speakers: ['USB headset', 'Built-in speaker'],
  words: null,
};
