/**
 * A phone that lives in the page: it speaks the same messages as the core, so the real windows can
 * be looked at and tested in any browser. The far end acts by the last two digits of the number
 * (`behaviourOf`), and a scene (`?fake=reconnecting`) starts it in a state worth looking at.
 */
import type {
  Backend,
  CallDetails,
  DesktopSettings,
  DesktopView,
  FirstRunView,
  HookSetting,
  HookTested,
  LevelsView,
  LookView,
  ReadinessView,
  ShellView,
  ShortcutAction,
  SoundSettings,
  SoundView,
  StartView,
  Unsubscribe,
  WatchersDraft,
  WatchersView,
} from './backend';
import type {
  AccountView,
  AvailabilityView,
  CallView,
  ContactDraft,
  ContactsPage,
  DevicesView,
  EnvFileView,
  EnvPurpose,
  Exported,
  ExportFormat,
  HistoryPage,
  HistoryQuery,
  HistoryRow,
  ImportView,
  IpcError,
  LineAsked,
  LineCallingDraft,
  LineCard,
  LineCheckView,
  LineCostsView,
  LineHandView,
  LineNumberView,
  LinePlanView,
  LineProgressView,
  LineProofView,
  LineRatesDraft,
  LineRunView,
  LineSheetView,
  LineSignIn,
  LineUndoView,
  LineState,
  OtherCall,
  PhoneView,
  ProjectObjectView,
  RouteAsked,
  RouteView,
  SettingsChange,
  SettingsInForce,
  WipeWhat,
} from './bindings';
import { FakeCalls, foremost } from './fake-calls';
import { FakeEnvFile } from './fake-env-file';
import { FakeLines } from './fake-lines';
import { ACCOUNT, detailsOf, DEVICES, LINES, pastCalls, row, type FakeReason } from './fake-data';
import { FakeDesktop } from './fake-desktop';
import { FakeSound } from './fake-sound';
import { FakeRecords } from './fake-records';
import { SCENES } from './fake-scenes';

/** How long the fake takes between two states. Tests pass 0 for no wait but a turn of the loop. */
const STEP_MS = 700;

export class FakePhone implements Backend {
  #rev = 0;
  #line: LineState = 'ready';
  #rows: HistoryRow[] = pastCalls(Date.now());
  #account: AccountView = ACCOUNT;
  #devices: DevicesView = DEVICES;
  #availability: AvailabilityView = { state: 'available' };
  #quiet: string | null = null;
  #nextTryAtMs: number | null = null;
  #historyRefusal: IpcError | null = null;
  readonly #deleted = new Map<string, HistoryRow[]>();
  readonly sound: FakeSound;
  readonly desktop: FakeDesktop;
  readonly #soundListeners = new Set<(view: SoundView) => void>();
  readonly #desktopListeners = new Set<(view: DesktopView) => void>();
  readonly #shellListeners = new Set<(view: ShellView) => void>();
  readonly #readinessListeners = new Set<(view: ReadinessView) => void>();
  readonly #lookListeners = new Set<(view: LookView) => void>();
  readonly #watchersListeners = new Set<(view: WatchersView) => void>();
  readonly #shortcutListeners = new Set<(action: ShortcutAction) => void>();
  readonly phoneLines = new FakeLines();
  readonly envFile = new FakeEnvFile();
  /** What was dialled last. */
  dialled: { number: string; wish: Omit<RouteAsked, 'number'> | null } | null = null;
  readonly records = new FakeRecords(() => this.#historyChanged());
  readonly #stepMs: number;
  readonly #calls: FakeCalls;
  readonly #phoneListeners = new Set<(view: PhoneView) => void>();
  readonly #historyListeners = new Set<() => void>();
  readonly #devicesListeners = new Set<() => void>();

  constructor(scene = '', stepMs = STEP_MS) {
    this.#stepMs = stepMs;
    this.#calls = new FakeCalls(stepMs, {
      changed: () => this.#publish(),
      ended: (call) => {
        this.#rows = [{ ...row(call), note: this.records.notes.get(call.id) ?? '' }, ...this.#rows];
        this.#historyChanged();
      },
    });
    this.sound = new FakeSound(stepMs, () => tell(this.#soundListeners, this.sound.view));
    this.desktop = new FakeDesktop(stepMs, {
      desktop: () => {
        tell(this.#desktopListeners, this.desktop.view());
        tell(this.#lookListeners, this.desktop.look());
      },
      shell: () => tell(this.#shellListeners, this.desktop.shell),
      readiness: () => tell(this.#readinessListeners, this.#readiness()),
    });
    SCENES[scene]?.(this);
  }

  #historyChanged(): void {
    for (const listener of this.#historyListeners) listener();
  }

  start(): StartView {
    return {
      at_ms: Date.now(),
      phone: this.#view(),
      desktop: this.desktop.view(),
      shell: this.desktop.shell,
      readiness: this.#readiness(),
      settings: this.records.settings,
      first_run: this.desktop.firstRun,
    };
  }

  async snapshot(): Promise<PhoneView> {
    return this.#view();
  }

  async painted(): Promise<void> {}

  async dial(number: string, _keys: string | null = null, wish: Omit<RouteAsked, 'number'> | null = null): Promise<void> {
    if (this.#line !== 'ready') return this.#calls.say('no_line', LINES[this.#line].words);
    this.dialled = { number, wish };
    this.#calls.dial(number);
  }

  async routeShow(asked: RouteAsked): Promise<RouteView> {
    return this.phoneLines.route(asked, this.#rows);
  }

  async answer(id: string, other: OtherCall): Promise<void> {
    this.#calls.answer(id, other);
  }

  async decline(id: string): Promise<void> {
    this.#calls.end(id, 'declined_here');
  }

  async silence(id: string): Promise<void> {
    this.#calls.change(id, { silenced: true });
  }

  async hangUp(id: string): Promise<void> {
    this.#calls.hangUp(id);
  }

  async setMuted(id: string, muted: boolean): Promise<void> {
    this.#calls.setMuted(id, muted);
  }

  async setHeld(id: string, held: boolean): Promise<void> {
    this.#calls.setHeld(id, held);
  }

  async transfer(id: string, to: string): Promise<void> {
    this.#calls.transfer(id, to);
  }

  async addPerson(id: string, number: string, alone: boolean): Promise<void> {
    this.#calls.addPerson(id, number, alone);
  }

  async merge(id: string): Promise<void> {
    this.#calls.merge(id);
  }

  async talkPrivately(id: string, leg: string): Promise<void> {
    this.#calls.talkPrivately(id, leg);
  }

  async handOver(id: string): Promise<void> {
    this.#calls.handOver(id);
  }

  async dropPerson(id: string, leg: string): Promise<void> {
    this.#calls.dropPerson(id, leg);
  }

  async rejoin(id: string): Promise<void> {
    this.#calls.rejoin(id);
  }

  async setAvailability(availability: AvailabilityView): Promise<void> {
    this.#availability = availability;
    this.#quiet =
      availability.state === 'available' ? null : 'Nothing rings here: you are not taking calls at this desk.';
    this.#publish();
  }

  async sendKeys(id: string, keys: string): Promise<void> {
    this.#calls.sendKeys(id, keys);
  }

  async dismiss(id: string): Promise<void> {
    this.#calls.dismiss(id);
  }

  async dismissNotice(id: number): Promise<void> {
    this.#calls.dismissNotice(id);
  }

  async retryLine(): Promise<void> {
    this.setLine('connecting');
    await new Promise((resolve) => setTimeout(resolve, this.#stepMs));
    this.setLine(this.#account.has_secret ? 'ready' : 'signed_out');
  }

  async historyPage(cursor: string | null, limit: number, query: HistoryQuery = {}): Promise<HistoryPage> {
    if (this.#historyRefusal) throw this.#historyRefusal;
    const from = cursor === null ? 0 : Number(cursor);
    const to = from + limit;
    const rows = Object.keys(query).length === 0 ? this.#rows : this.#rows.filter((row) => answers(row, query));
    return { rows: rows.slice(from, to), next: to < rows.length ? String(to) : null };
  }

  async missedCount(): Promise<number> {
    return this.#rows.filter((row) => row.missed && !row.seen).length;
  }

  async historySeen(call: string | null): Promise<void> {
    this.#rows = this.#rows.map((row) => (row.missed && (call === null || row.id === call) ? { ...row, seen: true } : row));
    this.#historyChanged();
  }

  async historyNote(call: string, note: string): Promise<void> {
    this.records.notes.set(call, note);
    this.#rows = this.#rows.map((row) => (row.id === call ? { ...row, note } : row));
    this.#historyChanged();
  }

  async historyDelete(calls: string[]): Promise<string> {
    const token = `undo-${this.#deleted.size}`;
    this.#deleted.set(
      token,
      this.#rows.filter((row) => calls.includes(row.id)),
    );
    this.#rows = this.#rows.filter((row) => !calls.includes(row.id));
    this.#historyChanged();
    return token;
  }

  async historyUndelete(token: string): Promise<number> {
    const back = this.#deleted.get(token) ?? [];
    this.#deleted.delete(token);
    this.#rows = [...this.#rows, ...back].sort((one, other) => other.started_at_ms - one.started_at_ms);
    this.#historyChanged();
    return back.length;
  }

  async historyExport(query: HistoryQuery, format: ExportFormat): Promise<Exported> {
    const { rows } = await this.historyPage(null, Number.MAX_SAFE_INTEGER, query);
    return { path: `Downloads/deskline-calls.${format}`, calls: rows.length };
  }

  async wipe(what: WipeWhat): Promise<number> {
    if (what !== 'contacts') this.#rows = [];
    if (what !== 'history') this.records.forgetContacts();
    this.#historyChanged();
    return 0;
  }

  async contacts(text: string, cursor: string | null, limit: number): Promise<ContactsPage> {
    if (this.#historyRefusal) throw this.#historyRefusal;
    return this.records.page(text, cursor, limit);
  }

  async contactSave(id: number | null, draft: ContactDraft): Promise<number> {
    return this.records.save(id, draft);
  }

  async contactDelete(id: number): Promise<void> {
    this.records.delete(id);
  }

  async contactsImport(name: string, bytes: Uint8Array): Promise<ImportView> {
    return this.records.import(name, bytes);
  }

  async contactsUndoImport(id: number): Promise<number> {
    return this.records.undoImport(id);
  }

  async lines(): Promise<LineCard[]> {
    return this.phoneLines.cards();
  }

  async lineCheck(line: string, signIn: LineSignIn | null): Promise<LineCheckView> {
    return this.phoneLines.check(line, signIn);
  }

  async linePlan(asked: LineAsked): Promise<LinePlanView> {
    return this.phoneLines.plan({ ...asked, sign_in: this.envFile.completed(asked.provider, asked.sign_in) });
  }

  async lineByHand(asked: LineAsked): Promise<LineHandView[]> {
    return this.phoneLines.byHand(asked);
  }

  async lineCarryOut(listener: (news: LineProgressView) => void): Promise<LineRunView> {
    return this.phoneLines.carryOut(listener, this.#stepMs);
  }

  async lineStop(): Promise<void> {
    this.phoneLines.stop();
  }

  async lineRemoval(line: string): Promise<LinePlanView> {
    return this.phoneLines.removal(line);
  }

  async lineRemove(line: string): Promise<void> {
    this.phoneLines.remove(line);
  }

  async lineUndoShow(line: string): Promise<LineUndoView> {
    return this.phoneLines.undoShow(line);
  }

  async lineUndo(line: string, signIn: LineSignIn): Promise<string[]> {
    return this.phoneLines.undo(line, signIn);
  }

  async lineTest(line: string, to: string | null): Promise<LineProofView> {
    return this.phoneLines.test(line, to);
  }

  async lineSet(line: string, calling: LineCallingDraft): Promise<LineCard[]> {
    return this.phoneLines.set(line, calling);
  }

  readonly lineCosts = async (month: string): Promise<LineCostsView> => this.phoneLines.costs(month);
  readonly lineSheet = async (line: string): Promise<LineSheetView> => this.phoneLines.sheet(line);
  readonly linePasswordCopy = async (line: string): Promise<void> => this.phoneLines.passwordCopy(line);
  readonly lineReportCopy = async (line: string): Promise<void> => this.phoneLines.reportCopy(line);
  readonly lineProject = async (): Promise<ProjectObjectView[]> => this.phoneLines.project();
  readonly linePageOpen = async (line: string, page: string): Promise<void> => void this.phoneLines.opened.push(`${line} ${page}`);
  readonly lineNumbers = async (provider: string, signIn: LineSignIn): Promise<LineNumberView[]> => this.phoneLines.numbers(provider, this.envFile.completed(provider, signIn));
  readonly lineRates = async (line: string, rates: LineRatesDraft, month: string): Promise<LineCostsView> => this.phoneLines.setRates(line, rates, month);

  async lineFix(line: string, finding: string): Promise<LineCheckView> {
    return this.phoneLines.fix(line, finding);
  }

  readonly settingsShow = async (): Promise<SettingsInForce> => this.records.settings;
  readonly settingsChange = async (change: SettingsChange): Promise<SettingsInForce> => this.records.changeSettings(change);
  readonly onSettingsChanged = async (listener: (now: SettingsInForce) => void) => this.records.followSettings(listener);

  async accountShow(): Promise<AccountView> {
    return this.#account;
  }

  async accountSet(url: string, key: string, secret: string | null): Promise<AccountView> {
    if (!/^wss?:\/\/./.test(url))
      throw {
        code: 'bad_url',
        message: 'The address starts with wss:// and names your LiveKit project.',
      } satisfies IpcError;
    if (!key || (!secret && !this.#account.has_secret))
      throw { code: 'no_secret', message: 'Fill in the key and the secret of the project.' } satisfies IpcError;
    this.#account = { ...ACCOUNT, url, key };
    void this.retryLine();
    return this.#account;
  }

  async accountForget(): Promise<AccountView> {
    this.#account = { ...ACCOUNT, url: '', key: '', has_secret: false, words: 'No secret is stored.' };
    this.setLine('signed_out');
    return this.#account;
  }

  async devices(): Promise<DevicesView> {
    return this.#devices;
  }

  readonly envRead = async (bytes: Uint8Array, purpose: EnvPurpose): Promise<EnvFileView> => this.envFile.read(bytes, purpose);
  async envSignIn(): Promise<AccountView> {
    const { url, key, secret } = this.envFile.project();
    return this.accountSet(url, key, secret);
  }
  readonly envForget = async (): Promise<void> => this.envFile.forget();

  async callDetails(id: string): Promise<CallDetails> {
    const call = this.call(id);
    const found = this.#rows.find((one) => one.id === id) ?? (call && row(call));
    if (!found) throw { code: 'no_such_call', message: 'This call was deleted.' };
    return detailsOf({ ...found, note: this.records.notes.get(id) ?? found.note });
  }
  async eventsExport(format: ExportFormat): Promise<Exported> {
    return { path: `Downloads/deskline-events.${format}`, calls: 12 };
  }

  async soundShow(): Promise<SoundView> {
    return this.sound.view;
  }
  async soundSet(settings: SoundSettings): Promise<SoundView> {
    return this.sound.set(settings);
  }
  async soundLevels(listener: (levels: LevelsView) => void): Promise<Unsubscribe> {
    return this.sound.levels(listener);
  }
  async soundTest(on: boolean): Promise<void> {
    if (on && this.calls.some((call) => call.state !== 'ended'))
      throw {
        code: 'in_call',
        message: 'A call uses the sound now. Finish it, then test the sound.',
      } satisfies IpcError;
    this.sound.test(on);
  }
  async ringTest(): Promise<void> {}
  async ringtoneImport(name: string, _bytes: Uint8Array): Promise<SoundView> {
    return this.sound.ringtoneImport(name);
  }
  async ringtoneRemove(): Promise<SoundView> {
    return this.sound.ringtoneRemove();
  }
  async recordingStart(id: string): Promise<void> {
    if (this.call(id)?.state !== 'live')
      throw {
        code: 'recording',
        message: 'Only a call that was answered can be recorded. Wait until somebody answers.',
      } satisfies IpcError;
    this.sound.record(id);
  }
  recordingPause = async (id: string, paused: boolean) => this.sound.pauseRecording(id, paused);
  recordingStop = async (id: string) => this.sound.endRecording(id);
  recordingOutline = async (id: string) => this.sound.outline(this.#rows.find((one) => one.id === id));
  recordingPlay = async (id: string, fromMs: number) =>
    this.sound.play(id, fromMs, this.calls.some((call) => call.state !== 'ended'));
  recordingHalt = async () => this.sound.halt();
  replayStart = async (seconds: number) => this.sound.replay(seconds);
  replayStop = async () => this.sound.replay(null);

  async watchersShow(): Promise<WatchersView> {
    return this.sound.watchers;
  }
  async watchersSet(draft: WatchersDraft, secret: string | null): Promise<WatchersView> {
    const view = this.sound.watch(draft, secret);
    tell(this.#watchersListeners, view);
    return view;
  }

  async desktopShow(): Promise<DesktopView> {
    return this.desktop.view();
  }
  async desktopSet(settings: DesktopSettings): Promise<DesktopView> {
    return this.desktop.set(settings);
  }
  async shellShow(): Promise<ShellView> {
    return this.desktop.shell;
  }
  async prefillDone(): Promise<void> {
    this.desktop.tell({ prefill: null });
  }
  async goToDone(): Promise<void> {
    this.desktop.tell({ go_to: null });
  }
  async setCompact(compact: boolean): Promise<void> {
    this.desktop.tell({ compact });
  }
  async quit(): Promise<void> {
    this.desktop.tell({ quit: null });
  }
  async quitCancel(): Promise<void> {
    this.desktop.tell({ quit: null });
  }
  async readinessShow(): Promise<ReadinessView> {
    return this.#readiness();
  }
  async ringMeNow(): Promise<void> {
    this.desktop.ringMeNow(() => {
      const id = this.ring('+12125550199', { name: 'Test ring' });
      setTimeout(() => this.#calls.end(id, 'declined_here'), 2 * this.#stepMs);
    });
  }
  async firstRunShow(): Promise<FirstRunView> {
    return this.desktop.firstRun;
  }
  async firstRunSet(firstRun: FirstRunView): Promise<void> {
    this.desktop.firstRun = firstRun;
  }
  async hookTest(hook: HookSetting): Promise<HookTested> {
    return this.desktop.hookTest(hook);
  }

  onPhoneChanged(listener: (view: PhoneView) => void): Promise<Unsubscribe> {
    return subscribe(this.#phoneListeners, listener);
  }
  onHistoryChanged(listener: () => void): Promise<Unsubscribe> {
    return subscribe(this.#historyListeners, listener);
  }
  onDevicesChanged(listener: () => void): Promise<Unsubscribe> {
    return subscribe(this.#devicesListeners, listener);
  }
  onSoundChanged(listener: (view: SoundView) => void): Promise<Unsubscribe> {
    return subscribe(this.#soundListeners, listener);
  }
  onWatchersChanged(listener: (view: WatchersView) => void): Promise<Unsubscribe> {
    return subscribe(this.#watchersListeners, listener);
  }
  onDesktopChanged(listener: (view: DesktopView) => void): Promise<Unsubscribe> {
    return subscribe(this.#desktopListeners, listener);
  }
  onShellChanged(listener: (view: ShellView) => void): Promise<Unsubscribe> {
    return subscribe(this.#shellListeners, listener);
  }
  onReadinessChanged(listener: (view: ReadinessView) => void): Promise<Unsubscribe> {
    return subscribe(this.#readinessListeners, listener);
  }
  onLookChanged(listener: (view: LookView) => void): Promise<Unsubscribe> {
    return subscribe(this.#lookListeners, listener);
  }
  onShortcutPressed(listener: (action: ShortcutAction) => void): Promise<Unsubscribe> {
    return subscribe(this.#shortcutListeners, listener);
  }

  // ---- The world around, for tests and the console: `fakePhone.ring('+13125550142')`

  get calls(): readonly CallView[] {
    return this.#calls.all;
  }

  call(id: string): CallView | undefined {
    return this.#calls.find(id);
  }

  /** A call comes in. Returns its id. */
  ring(number = '+13125550142', change: Partial<CallView> = {}): string {
    const { id } = this.#calls.open('inbound', number, 'offered');
    this.#calls.change(id, { silenced: this.#availability.state !== 'available', ...change });
    return id;
  }

  /** A call from this desk that rings at the far end and goes no further. */
  dialling(number: string): string {
    return this.#calls.open('outbound', number, 'remote_ringing').id;
  }

  /** The far end hangs up: missed while it rings, else the end of the call. */
  farEndHangsUp(id: string): void {
    this.#calls.end(id, this.call(id)?.state === 'offered' ? 'missed' : 'hung_up_there');
  }

  endCall(id: string, reason: FakeReason): void {
    this.#calls.end(id, reason);
  }

  /** Sets any fact of a call, as the network might. */
  change(id: string, change: Partial<CallView>): void {
    this.#calls.change(id, change);
  }

  /** The core has something to say. */
  notify(text: string): void {
    this.#calls.say('fake', text);
  }

  setLine(state: LineState, nextTryAtMs: number | null = null): void {
    this.#line = state;
    this.#nextTryAtMs = nextTryAtMs;
    this.#publish();
  }

  setQuiet(quiet: string | null): void {
    this.#quiet = quiet;
    this.#publish();
  }

  lockKeychain(): void {
    this.#account = { ...ACCOUNT, keychain: 'locked', words: 'The keychain is locked. Unlock it, then try again.' };
    this.setLine('locked');
  }

  /** No call is known; `refusal`: they cannot be read either. */
  forgetHistory(refusal: IpcError | null = null): void {
    this.#rows = [];
    this.#historyRefusal = refusal;
  }

  /** `count` calls of the last years, to see a list as long as a list gets. */
  fillHistory(count: number): void {
    const now = Date.now();
    const few = pastCalls(now);
    this.#rows = Array.from({ length: count }, (_, at) => {
      const one = few[at % few.length] as HistoryRow;
      const startedAt = now - at * 120_000;
      return { ...one, id: `many-${at}`, started_at_ms: startedAt, ended_at_ms: startedAt + 60_000 };
    });
    this.#historyChanged();
  }

  plug(): void {
    this.#devices = DEVICES;
    this.sound.plug();
    for (const listener of this.#devicesListeners) listener();
  }

  unplug(): void {
    this.#devices = this.sound.unplug('No microphone and no speaker were found. Connect a headset.');
    for (const listener of this.#devicesListeners) listener();
  }

  // ---- Inside

  #view(): PhoneView {
    const named = this.#line !== 'signed_out' && this.#line !== 'no_trunk';
    return {
      rev: this.#rev,
      line: {
        state: this.#line,
        ...LINES[this.#line],
        name: named ? 'Main line' : null,
        number: named ? '+12125550100' : null,
        number_shown: named ? '(212) 555-0100' : null,
        next_try_at_ms: this.#line === 'unreachable' ? this.#nextTryAtMs : null,
      },
      calls: [...this.#calls.all],
      rings: foremost(this.#calls.all),
      notice: this.#calls.notice,
      availability: this.#availability,
      quiet: this.#quiet,
      quiet_in_part: null,
    };
  }

  #publish(): void {
    this.#rev += 1;
    const view = this.#view();
    tell(this.#phoneListeners, view);
    tell(this.#readinessListeners, this.#readiness());
  }

  #readiness(): ReadinessView {
    const { line, quiet } = this.#view();
    return { ...this.desktop.readiness(line, quiet), rev: this.#rev + 1000 };
  }
}

function tell<T>(listeners: Set<(view: T) => void>, view: T): void {
  for (const listener of listeners) listener(view);
}

function answers(row: HistoryRow, query: HistoryQuery): boolean {
  const text = `${row.name ?? ''} ${row.contact ?? ''} ${row.number} ${row.number_shown} ${row.note}`.toLowerCase();
  const digits = row.number.replace(/\D/g, '');
  const words = (query.text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const has = (word: string) => {
    const number = word.replace(/\D/g, '');
    return text.includes(word) || (number !== '' && number.length >= word.length - 3 && digits.includes(number));
  };
  return (
    words.every(has) &&
    (query.results === undefined || query.results.includes(row.result)) &&
    (query.direction === undefined || query.direction === row.direction) &&
    (query.unseen === undefined || query.unseen === (row.missed && !row.seen)) &&
    (query.from_ms === undefined || row.started_at_ms >= query.from_ms) &&
    (query.to_ms === undefined || row.started_at_ms < query.to_ms)
  );
}

async function subscribe<T>(listeners: Set<T>, listener: T): Promise<Unsubscribe> {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
