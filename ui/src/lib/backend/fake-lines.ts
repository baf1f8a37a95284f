/** Lines of the fake: one that is well, one whose rule lets in nobody until that is mended. */
import { asIpcError } from './backend';
import { FakeLinesLooking } from './fake-lines-looking';
import type {
  FindingView,
  HopState,
  HistoryRow,
  LineAsked,
  LineCalling,
  LineCallingDraft,
  LineCard,
  LineCheckView,
  LineHandView,
  LinePartState,
  LinePartView,
  LinePlanView,
  LineProgressView,
  LineProofView,
  LineRunView,
  LineSignIn,
  LineStepView,
  LineUndoView,
  RouteAsked,
  RouteView,
} from './bindings';

const HOPS = ['Phone network', 'Twilio', 'Trunk', 'Rule', 'Room', 'This desk'];

const BROKEN: FindingView = {
  id: 'D10',
  level: 'problem',
  verdict: 'The rule lets in only these callers: +1. Calls from anyone else are dropped.',
  evidence: [{ name: 'Callers let in', value: '+1' }],
  fix: 'Callers let in: +1 → everybody',
  can_fix: true,
};

const well = (id: string, verdict: string): FindingView => ({
  id,
  level: 'passed',
  verdict,
  evidence: [],
  fix: '',
  can_fix: false,
});

const signedIn = ({ secret }: LineSignIn): FindingView =>
  secret === 'wrong'
    ? { ...well('D02', 'Twilio did not accept this sign-in.'), level: 'problem', evidence: [{ name: 'Twilio says', value: 'Authenticate' }] }
    : well('D02', 'The provider takes the sign-in.');

const PROVIDER: Readonly<Record<string, string>> = {
  twilio: 'Twilio',
  telnyx: 'Telnyx',
  signalwire: 'SignalWire',
  livekit: 'LiveKit Phone Numbers',
};

const change = (step: string, title: string, now: string, after: string, place = 'LiveKit'): LineStepView => ({
  step,
  title,
  place,
  now,
  after,
  warning: '',
});
const AT_PROVIDER: readonly LineStepView[] = [
  change('trunk', 'Trunk', 'nothing', '“Front desk”, front-desk-deskline.pstn.twilio.com'),
  change('destination', 'Send calls to LiveKit', 'calls go nowhere', 'sip:abc123.sip.livekit.cloud;transport=tcp'),
  change('credential', 'Password for dialling out', 'nothing', 'desklineab12cd34, a password of 24 characters'),
];
const IN_LIVEKIT: LineStepView[] = [
  change('outbound_trunk', "LiveKit's way out", 'nothing', 'to front-desk-deskline.pstn.twilio.com, as desklineab12cd34'),
  change('inbound_trunk', "LiveKit's way in", 'nothing', 'takes calls to the number'),
  change('rule', 'What becomes of callers', 'callers have nowhere to go', 'a room of its own for every caller, “inbound-…”'),
];
const connect = (place: string, number: string): LineStepView => ({
  ...change('number', `Connect ${number}`, 'answered by https://ivr.example/main', 'on the trunk “Front desk”', place),
  warning: 'Callers will reach Deskline at once instead of https://ivr.example/main. Undo puts the old address back.',
});

/** How calls go out over a line of which nothing was set. */
function usual(number: string, shown: string): LineCalling {
  const caller_ids = [{ number, shown }];
  return { is_default: false, prefixes: [], caller_id: null, caller_ids, fails_over: true, rings: true };
}

const parts = (states: Readonly<Record<string, LinePartState>>): LinePartView[] =>
  Object.entries(states).map(([part, state]) => ({ part, state, required: ['incoming', 'outgoing', 'faultless'].includes(part) }));

export class FakeLines extends FakeLinesLooking {
  #broken = new Set(['projects-line']);
  #cards: LineCard[] = [
    {
      id: 'main-line',
      name: 'Main line',
      provider: 'Twilio',
      provider_word: 'twilio',
      numbers: ['(212) 555-0100'],
      incoming_at_ms: Date.now() - 3_600_000,
      outgoing_at_ms: Date.now() - 7_200_000,
      calls_out: true,
      parts: parts({ provider: 'done', emergency: 'left' }),
      signs_in_at: 'twilio',
      account: 'AC0000000000000000000000000000c1',
      calling: {
        ...usual('+12125550100', '(212) 555-0100'),
        is_default: true,
        caller_ids: [
          { number: '+12125550100', shown: '(212) 555-0100' },
          { number: '+12125550103', shown: '(212) 555-0103' },
        ],
      },
    },
    {
      id: 'projects-line',
      name: 'Projects line',
      provider: 'another provider',
      provider_word: 'other',
      numbers: ['(312) 555-0117'],
      incoming_at_ms: null,
      outgoing_at_ms: Date.now() - 86_400_000,
      calls_out: true,
      parts: parts({ incoming: 'left', faultless: 'unknown' }),
      signs_in_at: null,
      account: '',
      calling: { ...usual('+13125550117', '(312) 555-0117'), prefixes: ['+44'] },
    },
  ];
  #waiting: LinePlanView | null = null;
  #stopped = false;
  /** What goes wrong next: the step that is refused, a name that is taken. */
  refuses: string | null = null;
  taken = false;
  /** Somebody changed something after it was shown: the next yes is refused. */
  changed = false;
  /** An account at SignalWire that has no API for scripts and SIP addresses. */
  withoutApi = false;

  cards(): LineCard[] {
    return this.#cards;
  }

  /** A desk without lines. */
  none(): void {
    this.#cards = [];
  }

  check(line: string, signIn: LineSignIn | null = null): LineCheckView {
    if (!this.#cards.some((card) => card.id === line))
      throw asIpcError({ code: 'no_such_line', message: `There is no line “${line}”.` });
    const broken = this.#broken.has(line);
    const state = (index: number): HopState => (!broken || index < 3 ? 'works' : index === 3 ? 'broken' : 'not_reached');
    return {
      line,
      at_ms: Date.now(),
      took_ms: 40,
      path: HOPS.map((name, index) => ({ name, state: state(index) })),
      findings: [
        well('D01', 'LiveKit takes the key.'),
        broken ? BROKEN : well('D10', 'The rule lets every caller in.'),
        ...(signIn ? [signedIn(signIn)] : []),
        { ...well('D29', 'Only a test call can tell. Deskline calls nobody without being asked.'), level: 'not_run' },
      ],
    };
  }

  fix(line: string, finding: string): LineCheckView {
    this.#asShown();
    if (finding === BROKEN.id) this.#broken.delete(line);
    return this.check(line);
  }

  byHand({ name, numbers, sip, host }: LineAsked): LineHandView[] {
    if (name.trim() === '') throw asIpcError({ code: 'bad_input', message: 'The line needs a name, such as Front desk. Type one.' });
    return [
      { text: `Add a SWML script named “${name} LiveKit in” with this text.`, command: `{"connect":{"to":"sip:%{call.to}@${sip}"}}` },
      { text: `Let it handle the calls to ${numbers.join(', ')}.`, command: '' },
      { text: 'In LiveKit, make an outbound trunk.', command: `lk sip outbound create ${host || 'SERVER OF THE SIP ADDRESS'}` },
    ];
  }

  plan(asked: LineAsked): LinePlanView {
    const bad = (message: string) => asIpcError({ code: 'bad_input', message });
    const numbers = asked.numbers.filter((number) => number.trim() !== '');
    if (asked.name.trim() === '') throw bad('The line needs a name, such as Front desk. Type one.');
    if (numbers.length === 0) throw bad('A line needs at least one number. Type the number that rings here.');
    const provider = PROVIDER[asked.provider] ?? 'another provider';
    const pasted = asked.provider === 'signalwire' && asked.host.trim() !== '';
    const hasApi = ['twilio', 'telnyx', 'signalwire'].includes(asked.provider) && !pasted;
    const missing = this.withoutApi && asked.provider === 'signalwire' && !pasted;
    if (hasApi && asked.sign_in.secret === '') throw bad('The secret is empty. Paste the auth token, or the secret of the API key.');
    this.#waiting = {
      line: asked.name.trim().toLowerCase().replaceAll(' ', '-'),
      name: asked.name.trim(),
      number: numbers[0] ?? '',
      provider,
      steps: hasApi ? [...AT_PROVIDER.map((step) => ({ ...step, place: provider })), ...IN_LIVEKIT, connect(provider, numbers[0] ?? '')] : IN_LIVEKIT,
      kept: [],
      notes: [],
      problems: [
        ...(numbers[0]?.endsWith('0199') ? [`${numbers[0]} is not a number of this ${provider} account.`] : []),
        ...(missing ? ['SignalWire does not let Deskline make scripts and SIP addresses in this space.'] : []),
      ],
      only_by_hand: missing,
      address: asked.provider === 'livekit' ? '' : 'front-desk-deskline.pstn.twilio.com',
      user: asked.provider === 'livekit' ? '' : 'desklineab12cd34',
    };
    return this.#waiting;
  }

  async carryOut(listener: (news: LineProgressView) => void, stepMs: number): Promise<LineRunView> {
    const plan = this.#waiting;
    this.#waiting = null;
    this.#stopped = false;
    if (!plan) throw asIpcError({ code: 'no_plan', message: 'No plan waits for a yes. Look at the changes again.' });
    const done: string[] = [];
    const ended = (refusal: string, instead: LinePlanView | null = null): LineRunView => ({
      done,
      notes: [],
      refusal,
      instead,
      only_by_hand: false,
    });
    for (const { step, title } of plan.steps) {
      if (this.#stopped) return ended('Stopped. Run the same again to go on.');
      listener({ kind: 'began', step });
      await new Promise((resolve) => setTimeout(resolve, stepMs));
      if (this.taken) {
        this.taken = false;
        this.#waiting = { ...plan, address: 'front-desk-deskline-ab12.pstn.twilio.com' };
        return ended('At Twilio something else is in the way; it says: “Domain name is already in use”.', this.#waiting);
      }
      if (this.refuses === step) {
        this.refuses = null;
        return ended(`${title}: ${plan.provider} does not let this key do that. Use a key with more rights.`);
      }
      listener({ kind: 'done', step });
      done.push(title);
    }
    const kept = this.#cards.filter((card) => card.id !== plan.line);
    const livekit = plan.address === '';
    this.#cards = [
      ...kept,
      {
        id: plan.line,
        name: plan.name,
        provider: plan.provider,
        provider_word: Object.entries(PROVIDER).find(([, name]) => name === plan.provider)?.[0] ?? 'other',
        numbers: [plan.number],
        incoming_at_ms: null,
        outgoing_at_ms: null,
        calls_out: !livekit,
        parts: parts({ incoming: 'left', ...(livekit ? {} : { outgoing: 'left' }), faultless: 'unknown' }),
        signs_in_at: { Twilio: 'twilio', Telnyx: 'telnyx', SignalWire: 'signalwire' }[plan.provider] ?? null,
        account: '',
        calling: usual(plan.number, plan.number),
        },
    ];
    return ended('');
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting = null;
  }

  removal(line: string): LinePlanView {
    const card = this.#card(line);
    const gone = (title: string): LineStepView => ({ step: title, title, place: 'LiveKit', now: `“${card.name}”`, after: 'removed', warning: '' });
    return {
      line,
      name: card.name,
      number: card.numbers[0] ?? '',
      provider: card.provider,
      steps: ['What becomes of callers', "LiveKit's way in", "LiveKit's way out"].map(gone),
      kept: [],
      notes: [`At ${card.provider} nothing is removed.`],
      problems: [],
      address: '',
      user: '',
      only_by_hand: false,
    };
  }

  remove(line: string): void {
    this.#asShown();
    this.#cards = this.#cards.filter((card) => card.id !== line);
  }

  undoShow(line: string): LineUndoView {
    const card = this.#card(line);
    return { changes: ['Connect (212) 555-0100', 'What becomes of callers'], needs: card.signs_in_at, account: card.account };
  }

  undo(line: string, signIn: LineSignIn): string[] {
    if (this.#card(line).signs_in_at && signIn.secret === '')
      throw asIpcError({ code: 'bad_input', message: 'The secret is empty. Paste the auth token, or the secret of the API key.' });
    this.remove(line);
    return [];
  }

  test(line: string, to: string | null): LineProofView {
    const card = this.#card(line);
    if (to?.endsWith('0199')) return { passed: false, words: 'Nobody answered.' };
    const at = Date.now();
    const part = to === null ? 'incoming' : 'outgoing';
    const left = card.parts.map((one) => (one.part === part ? { ...one, state: 'done' as const } : one));
    const proven = { ...card, parts: left, ...(to === null ? { incoming_at_ms: at } : { outgoing_at_ms: at }) };
    this.#cards = this.#cards.map((one) => (one.id === line ? proven : one));
    return { passed: true, words: `${card.name}: calls work.` };
  }

  set(line: string, draft: LineCallingDraft): LineCard[] {
    this.#card(line);
    const wrong = draft.prefixes.find((prefix) => !prefix.startsWith('+'));
    if (wrong !== undefined)
      throw asIpcError({
        code: 'bad_input',
        message: `“${wrong}” is not the beginning of a number. Type + and the country code, with or without what follows, like +49 or +1 212.`,
      });
    this.#cards = this.#cards.map((card) => {
      if (card.id === line) return { ...card, calling: { ...card.calling, ...draft } };
      const is_default = card.calling.is_default && !draft.is_default;
      return { ...card, calling: { ...card.calling, is_default } };
    });
    return this.#cards;
  }

  /** As the core decides, in short. */
  route(asked: RouteAsked, rows: readonly HistoryRow[]): RouteView {
    const all = this.#cards.filter((card) => card.calls_out);
    const typed = asked.number ?? '';
    const digits = typed.replace(/\D/g, '');
    const number = typed.startsWith('+') ? `+${digits}` : `+1${digits}`;
    const last = rows.find((row) => row.number === number)?.line;
    const has = (card: LineCard, own: string) =>
      card.name === own || card.calling.caller_ids.some((one) => one.number === own);
    const prefixed = (card: LineCard) => card.calling.prefixes.find((prefix) => number.startsWith(prefix));
    const ways: [LineCard | undefined, RouteView['why']][] = [
      [all.find((card) => card.id === asked.line), 'asked'],
      [last ? all.find((card) => has(card, last)) : undefined, 'last_used'],
      [all.find(prefixed), 'prefix'],
      [all.find((card) => card.calling.is_default), 'default'],
      [all[0], all.length > 1 ? 'first' : 'only'],
    ];
    const [line, why] = ways.find(([card]) => card) ?? [undefined, 'unknown' as const];
    const wanted = asked.caller_id ?? line?.calling.caller_id;
    const numbers = line?.calling.caller_ids ?? [];
    const others = all.filter((card) => card !== line).map(({ name }) => name);
    return {
      line: line?.id ?? null,
      name: line?.name ?? '',
      caller_id: numbers.find((one) => one.number === wanted) ?? numbers[0] ?? null,
      why: line ? why : 'unknown',
      prefix: (why === 'prefix' && line && prefixed(line)) || '',
      then: line?.calling.fails_over ? others : [],
      lines: all.map(({ id, name, calling }) => ({ id, name, numbers: calling.caller_ids })),
    };
  }

  #asShown(): void {
    if (!this.changed) return;
    this.changed = false;
    throw asIpcError({ code: 'changed_meanwhile', message: 'Something changed since this was shown, so nothing was done. Look at it again.' });
  }

  #card(line: string): LineCard {
    const card = this.#cards.find((one) => one.id === line);
    if (!card) throw asIpcError({ code: 'no_such_line', message: `There is no line “${line}”.` });
    return card;
  }
}
