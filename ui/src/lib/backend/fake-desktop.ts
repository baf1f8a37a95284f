/** The program around the fake phone: shortcuts, links, the first run, and whether this desk will ring. */
import type {
  DesktopSettings,
  DesktopView,
  FirstRunView,
  HookSetting,
  HookTested,
  LookView,
  ProofOf,
  ProofState,
  ReadinessView,
  RingTestState,
  ShellView,
  ShortcutAction,
  ShortcutSetting,
} from './backend';
import type { LineState, LineView } from './bindings';

const keys = (action: ShortcutAction, own: string | null, global: string | null = null): ShortcutSetting => ({
  action,
  keys: own,
  global,
});

export const DESKTOP: DesktopSettings = {
  theme: 'system',
  language: '',
  autostart: false,
  overlay_on: 'in_use',
  caller_on_locked_screen: false,
  notifications: true,
  ring_in_focus: true,
  keep_awake: true,
  single_letters: true,
  start_compact: false,
  shortcuts: [
    keys('answer', 'Ctrl+Shift+A'),
    keys('decline_or_end', 'Ctrl+Shift+D'),
    keys('silence', 'Ctrl+Shift+S'),
    keys('mute', 'Ctrl+Shift+M'),
    keys('hold', 'Ctrl+Shift+H'),
    keys('keypad', 'Ctrl+Shift+K'),
    keys('transfer', 'Ctrl+Shift+T'),
    keys('add_person', 'Ctrl+Shift+P'),
    keys('swap', 'Ctrl+Shift+X'),
    keys('find', 'Ctrl+K'),
    keys('search', 'Ctrl+F'),
    keys('show', null),
  ],
  hooks: [],
};

export const HOOK: HookSetting = {
  enabled: true,
  moment: 'ring',
  direction: 'inbound',
  action: { kind: 'open_url', template: 'https://crm.example/search?phone={number}' },
};

const PROOFS: readonly (readonly [of: ProofOf, words: string])[] = [
  ['server', 'LiveKit answers.'],
  ['sign_in', 'LiveKit takes the key and the secret.'],
  ['watcher', 'Rooms are watched for callers.'],
  ['ring_device', 'It rings on the desk speakers.'],
  ['overlay', 'Who calls can be shown over other windows.'],
  ['rules', 'Calls are taken at this desk.'],
];
const DOWN: Partial<Record<LineState, ProofOf>> = { unreachable: 'server', refused: 'sign_in', locked: 'sign_in' };

export class FakeDesktop {
  settings = DESKTOP;
  firstRun: FirstRunView = { done: true, step: 'connect' };
  shell: ShellView = { rev: 1, compact: false, prefill: null, quit: null, go_to: null };
  #rev = 1;
  #test: ReadinessView['test'] = null;
  readonly #stepMs: number;
  readonly #told: { desktop: () => void; shell: () => void; readiness: () => void };

  constructor(stepMs: number, told: { desktop: () => void; shell: () => void; readiness: () => void }) {
    this.#stepMs = stepMs;
    this.#told = told;
  }

  view(): DesktopView {
    const taken = this.settings.shortcuts.filter((one) => one.global === 'Ctrl+Alt+Space');
    return {
      rev: this.#rev,
      settings: this.settings,
      defaults: DESKTOP,
      facts: {
        tray: true,
        overlay: true,
        notification_buttons: true,
        global_keys: true,
        troubles: taken.map(({ action }) => ({ action, words: 'Taken by “Switch input”. Choose other keys.' })),
        words: [],
      },
    };
  }

  look(): LookView {
    const of = (action: ShortcutAction) => this.settings.shortcuts.find((one) => one.action === action)?.global ?? null;
    const { theme, language } = this.settings;
    return { theme, language, answer_keys: of('answer'), decline_keys: of('decline_or_end') };
  }

  set(settings: DesktopSettings): DesktopView {
    this.settings = settings;
    this.#rev += 1;
    this.#told.desktop();
    return this.view();
  }

  tell(change: Partial<ShellView>): void {
    this.shell = { ...this.shell, ...change, rev: this.shell.rev + 1 };
    this.#told.shell();
  }

  readiness(line: LineView, quiet: string | null): ReadinessView {
    const broken = DOWN[line.state];
    const at = PROOFS.findIndex(([of]) => of === broken);
    const stateOf = (of: ProofOf, place: number): ProofState => {
      if (of === 'rules' && quiet) return 'missing';
      if (line.state === 'signed_out' || line.state === 'connecting') return place < 3 ? 'waiting' : 'proven';
      if (at === -1 || place < at) return 'proven';
      return place === at ? 'missing' : place < 3 ? 'waiting' : 'proven';
    };
    const proofs = PROOFS.map(([of, words], place) => {
      const state = stateOf(of, place);
      if (state !== 'missing') return { of, state, words: state === 'waiting' ? 'Not reached yet.' : words, detail: null };
      return of === 'rules' ? { of, state, words: quiet ?? '', detail: null } : { of, state, words: line.words, detail: line.detail };
    });
    const missing = proofs.find((proof) => proof.state !== 'proven');
    return {
      rev: this.#rev,
      ready: missing === undefined,
      words: missing === undefined ? 'This desk will ring' : line.words,
      detail: line.detail,
      next_try_at_ms: line.next_try_at_ms,
      proofs,
      test: this.#test,
    };
  }

  ringMeNow(rings: () => void): void {
    const step = (state: RingTestState, words: string, after: number) =>
      setTimeout(() => {
        this.#rev += 1;
        this.#test = { state, at_ms: Date.now(), words };
        this.#told.readiness();
        if (state === 'ringing') rings();
      }, after * this.#stepMs);
    step('placing', 'A caller is put into a room.', 0);
    step('ringing', 'The caller waits; it rings here now.', 1);
    step('passed', 'It rang here.', 3);
  }

  hookTest(hook: HookSetting): HookTested {
    const { action } = hook;
    if (action.kind === 'run' && !action.program.startsWith('/'))
      throw { code: 'hook', message: `${action.program || 'The program'} is no full path. Write /usr/bin/… or C:\\….` };
    const words =
      action.kind === 'open_url'
        ? `Opened ${action.template.replace('{number}', '%2B12125550142')}`
        : `Started ${action.program}`;
    return { words };
  }
}
