/** What can be looked at of the fake's lines: costs, sheets, the project, the numbers of an account. */
import { asIpcError } from './backend';
import type {
  LineCard,
  LineCostsView,
  LineNumberView,
  LineRatesDraft,
  LineSheetView,
  LineSignIn,
  ProjectObjectView,
} from './bindings';

const NO_RATES: LineRatesDraft = { currency: 'USD', number_month: '', minute_in: '', minute_out: '', livekit_minute: '' };
/** Minutes of the present month: in, out. */
const MINUTES: Readonly<Record<string, readonly [number, number]>> = { 'main-line': [412, 230], 'projects-line': [0, 18] };
const RATES = ['number_month', 'minute_in', 'minute_out', 'livekit_minute'] as const;

/** `2026-11`, so many months later. */
function later(month: string, by: number): string {
  const [year = 2026, of = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, of - 1 + by, 1)).toISOString().slice(0, 7);
}

export abstract class FakeLinesLooking {
  #rates = new Map<string, LineRatesDraft>([
    ['main-line', { currency: 'USD', number_month: '1.15', minute_in: '0.0034', minute_out: '0.007', livekit_minute: '0.004' }],
  ]);
  /** Pages that were opened in the browser, with their line. */
  readonly opened: string[] = [];
  /** Lines whose password was copied. */
  readonly copied: string[] = [];
  /** Lines whose report was copied. */
  readonly reported: string[] = [];

  abstract cards(): LineCard[];

  costs(month: string): LineCostsView {
    const present = new Date().toISOString().slice(0, 7);
    const asked = month || present;
    const lines = this.cards().map((card) => {
      const rates = this.#rates.get(card.id) ?? NO_RATES;
      const [minutes_in, minutes_out] = (asked === present && MINUTES[card.id]) || [0, 0];
      const counts = [card.numbers.length, minutes_in, minutes_out, minutes_in + minutes_out];
      const parts = RATES.map((name, at) => (rates[name] === '' ? null : Number(rates[name]) * (counts[at] ?? 0)));
      const [numbers, inward, out, livekit] = parts.map((part) => part?.toFixed(2) ?? null);
      return {
        line: card.id,
        name: card.name,
        provider: card.provider,
        numbers: card.numbers.length,
        calls_in: Math.ceil(minutes_in / 6),
        minutes_in,
        calls_out: Math.ceil(minutes_out / 6),
        minutes_out,
        rates,
        cost_numbers: numbers ?? null,
        cost_in: inward ?? null,
        cost_out: out ?? null,
        cost_livekit: livekit ?? null,
        amount: parts.reduce<number>((sum, part) => sum + (part ?? 0), 0).toFixed(2),
        is_whole: parts.every((part, at) => part !== null || counts[at] === 0),
      };
    });
    const currencies = [...new Set(lines.map(({ rates }) => rates.currency))].sort();
    const totals = currencies.map((currency) => {
      const own = lines.filter(({ rates }) => rates.currency === currency);
      const amount = own.reduce((sum, one) => sum + Number(one.amount), 0).toFixed(2);
      return { currency, amount, is_whole: own.every(({ is_whole }) => is_whole) };
    });
    return {
      month: asked,
      previous: later(asked, -1),
      next: asked < present ? later(asked, 1) : null,
      lines,
      totals,
      minutes_elsewhere: asked === present ? 7 : 0,
    };
  }

  setRates(line: string, rates: LineRatesDraft, month: string): LineCostsView {
    const wrong = RATES.map((name) => rates[name].trim()).find((text) => !/^(\d*[.,]?\d*)$/.test(text));
    if (wrong !== undefined)
      throw asIpcError({
        code: 'bad_input',
        message: `“${wrong}” is not an amount. Type it like 0.0085, without a currency sign, with six decimals at most, or leave it empty.`,
      });
    const text = (name: (typeof RATES)[number]) => rates[name].trim().replace(',', '.');
    this.#rates.set(line, {
      currency: rates.currency.trim().toUpperCase() || 'USD',
      number_month: text('number_month'),
      minute_in: text('minute_in'),
      minute_out: text('minute_out'),
      livekit_minute: text('livekit_minute'),
    });
    return this.costs(month);
  }

  sheet(line: string): LineSheetView {
    const card = this.cards().find((one) => one.id === line);
    if (!card) throw asIpcError({ code: 'no_such_line', message: `There is no line “${line}”.` });
    const row = (row: string, value: string) => ({ row, value });
    return {
      line,
      name: card.name,
      rows: [
        row('provider', card.provider),
        ...(card.account ? [row('account', card.account)] : []),
        ...card.numbers.map((number) => row('number', number)),
        row('sip', 'sip:abc123.sip.livekit.cloud;transport=tcp'),
        row('address', `${card.id}-deskline.pstn.twilio.com`),
        row('user', 'desklineab12cd34'),
        row('transport', 'TCP'),
        row('outbound_trunk', `${card.name} · ST_7Qm2out`),
        row('inbound_trunk', `${card.name} · ST_c4Xin`),
        row('rule', `${card.name} · SDR_p9`),
        row('rooms', 'individual, inbound-…'),
        row('calls_in', '14'),
        row('calls_out', '9'),
        row('since', '2026-10-02T08:12:00Z'),
        row('by', 'priya'),
      ],
      has_password: card.calls_out,
      refusal: '',
      pages: card.signs_in_at ? ['trunks', 'numbers', 'log', 'countries', 'billing', 'livekit_trunks', 'livekit_sessions'] : [],
    };
  }

  reportCopy(line: string): void {
    this.reported.push(line);
  }

  passwordCopy(line: string): void {
    this.copied.push(line);
  }

  project(): ProjectObjectView[] {
    const fact = (name: string, value: string) => ({ name, value });
    const own = this.cards().flatMap(({ id, name, numbers }): ProjectObjectView[] => [
      {
        kind: 'outbound_trunk',
        id: 'ST_7Qm2out',
        name,
        line: id,
        facts: [fact('address', `${id}-deskline.pstn.twilio.com`), fact('transport', 'SIP_TRANSPORT_TCP'), fact('numbers', numbers.join(', '))],
      },
      { kind: 'inbound_trunk', id: 'ST_c4Xin', name, line: id, facts: [fact('numbers', numbers.join(', '))] },
    ]);
    return [
      ...own,
      { kind: 'rule', id: 'SDR_old', name: 'everything', line: '', facts: [fact('rule', 'direct, lobby'), fact('inbound_numbers', '+1')] },
    ];
  }

  numbers(provider: string, { secret }: LineSignIn): LineNumberView[] {
    if (secret === '') throw asIpcError({ code: 'bad_input', message: 'The secret is empty. Paste the auth token, or the secret of the API key.' });
    if (provider === 'other' || provider === 'livekit') return [];
    return [
      { number: '+16465550120', shown: '(646) 555-0120', voice: true, answered_by: 'https://ivr.example/main' },
      { number: '+16465550121', shown: '(646) 555-0121', voice: true, answered_by: '' },
      { number: '+16465550122', shown: '(646) 555-0122', voice: false, answered_by: '' },
    ];
  }
}
