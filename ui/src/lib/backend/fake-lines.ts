/** Lines of the fake: one that is well, one whose rule lets in nobody until that is mended. */
import { asIpcError } from './backend';
import type { FindingView, HopState, LineCard, LineCheckView } from './bindings';

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

export class FakeLines {
  #broken = new Set(['projects-line']);
  #cards: LineCard[] = [
    {
      id: 'main-line',
      name: 'Main line',
      provider: 'Twilio',
      numbers: ['(212) 555-0100'],
      incoming_at_ms: Date.now() - 3_600_000,
      outgoing_at_ms: Date.now() - 7_200_000,
      calls_out: true,
    },
    {
      id: 'projects-line',
      name: 'Projects line',
      provider: 'another provider',
      numbers: ['(312) 555-0117'],
      incoming_at_ms: null,
      outgoing_at_ms: Date.now() - 86_400_000,
      calls_out: true,
    },
  ];

  cards(): LineCard[] {
    return this.#cards;
  }

  /** A desk without lines. */
  none(): void {
    this.#cards = [];
  }

  check(line: string): LineCheckView {
    if (!this.#cards.some((card) => card.id === line))
      throw asIpcError({ code: 'no_such_line', message: 'There is no line of that name.' });
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
        { ...well('D29', 'Only a test call can tell. Deskline calls nobody without being asked.'), level: 'not_run' },
      ],
    };
  }

  fix(line: string, finding: string): LineCheckView {
    if (finding === BROKEN.id) this.#broken.delete(line);
    return this.check(line);
  }
}
