/**
 * The only door between the windows and the core.
 *
 * A command sends one intent and returns once it is queued; what came of it arrives as a whole
 * `PhoneView` with a higher revision. Reads go to their own store. Every method rejects with
 * an `IpcError` and nothing else. All times are unix milliseconds.
 */
import type {
  AccountView,
  AvailabilityView,
  CallDetails,
  ContactDraft,
  ContactsPage,
  DesktopSettings,
  DesktopView,
  DevicesView,
  EnvFileView,
  EnvPurpose,
  Exported,
  ExportFormat,
  FirstRunView,
  HistoryPage,
  HistoryQuery,
  HookSetting,
  HookTested,
  ImportView,
  IpcError,
  LevelsView,
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
  LookView,
  OtherCall,
  PageMoment,
  PhoneView,
  ProjectObjectView,
  ReadinessView,
  RecordingOutline,
  RingtoneSetting,
  RouteAsked,
  RouteView,
  SettingsChange,
  SettingsInForce,
  ShellView,
  ShortcutAction,
  SoundSettings,
  SoundView,
  StartView,
  WatchersDraft,
  WatchersView,
  WipeWhat,
} from './bindings';

export type * from './bindings';

/** Ends a subscription. Safe to call twice. */
export type Unsubscribe = () => void;

export interface Backend {
  /** What the page began with, while it is new: the first picture is drawn from it, and everything in it asked for behind that. */
  start(): StartView | null;
  snapshot(): Promise<PhoneView>;
  /**
   * The main window can be used: its first picture, of the phone or the first run, is on the screen, and how it came
   * there. The overlay: its caller is.
   */
  painted(firstRun?: boolean, moments?: readonly PageMoment[]): Promise<void>;
  /** `keys` are sent once it is answered. `wish` goes before the rules that choose line and caller ID. */
  dial(number: string, keys?: string | null, wish?: Omit<RouteAsked, 'number'> | null): Promise<void>;
  /** Which line a call would go over, and why. Half a number will do. */
  routeShow(asked: RouteAsked): Promise<RouteView>;
  /** `other` says what becomes of a call that is talked on meanwhile. */
  answer(call: string, other: OtherCall): Promise<void>;
  decline(call: string): Promise<void>;
  silence(call: string): Promise<void>;
  hangUp(call: string): Promise<void>;
  setMuted(call: string, muted: boolean): Promise<void>;
  /** Taking a call back holds the one that is talked on. */
  setHeld(call: string, held: boolean): Promise<void>;
  /** Hands the far end over; `to` as typed. */
  transfer(call: string, to: string): Promise<void>;
  /** Dials somebody else into the call; `number` as typed. `alone`: the others wait with music. */
  addPerson(call: string, number: string, alone: boolean): Promise<void>;
  /** Everybody in the call hears everybody. */
  merge(call: string): Promise<void>;
  /** The others of the call wait with music. */
  talkPrivately(call: string, leg: string): Promise<void>;
  /** Leaves the others talking. */
  handOver(call: string): Promise<void>;
  dropPerson(call: string, leg: string): Promise<void>;
  /** Goes back into a call that an earlier run left behind. */
  rejoin(call: string): Promise<void>;
  setAvailability(availability: AvailabilityView): Promise<void>;
  /** `keys` holds 0-9, * and #, sent in the order given. */
  sendKeys(call: string, keys: string): Promise<void>;
  dismiss(call: string): Promise<void>;
  dismissNotice(id: number): Promise<void>;
  retryLine(): Promise<void>;
  /** Newest first. `cursor` is `next` of the page before, or null for the first page. */
  historyPage(cursor: string | null, limit: number, query?: HistoryQuery): Promise<HistoryPage>;
  /** Missed calls that nobody has looked at. */
  missedCount(): Promise<number>;
  /** Somebody has looked at this missed call; null: at all of them. */
  historySeen(call: string | null): Promise<void>;
  /** Writes what a person says about a call; "" takes it away. */
  historyNote(call: string, note: string): Promise<void>;
  /** Deletes calls. What it answers takes that back for 15 seconds. */
  historyDelete(calls: string[]): Promise<string>;
  /** Answers how many calls are there again. */
  historyUndelete(token: string): Promise<number>;
  /** Writes the calls asked for into the folder for downloads. */
  historyExport(query: HistoryQuery, format: ExportFormat): Promise<Exported>;
  /** Takes everything of a kind out for good. Answers how many calls stayed: those that are not over. */
  wipe(what: WipeWhat): Promise<number>;
  /** By name. Every word of `text` is in the name, number, place of work or note. */
  contacts(text: string, cursor: string | null, limit: number): Promise<ContactsPage>;
  /** A new contact where `id` is null. Answers its id. */
  contactSave(id: number | null, draft: ContactDraft): Promise<number>;
  contactDelete(id: number): Promise<void>;
  /** Takes contacts from the text of a vCard or CSV file. */
  contactsImport(name: string, bytes: Uint8Array): Promise<ImportView>;
  /** Answers how many contacts went. */
  contactsUndoImport(id: number): Promise<number>;
  /** Every line that was set up here. */
  lines(): Promise<LineCard[]>;
  /** Finds out what is wrong with a line, with a sign-in at its provider too; calls nobody. */
  lineCheck(line: string, signIn: LineSignIn | null): Promise<LineCheckView>;
  /** Does what a finding proposes, and checks again. */
  lineFix(line: string, finding: string): Promise<LineCheckView>;
  /** Looks and says what would be changed. What was shown last waits for a yes. */
  linePlan(asked: LineAsked): Promise<LinePlanView>;
  /** The same steps by hand, with what was typed filled in. Asks nobody. */
  lineByHand(asked: LineAsked): Promise<LineHandView[]>;
  /** Carries out what was shown last, and forgets its sign-in. */
  lineCarryOut(listener: (news: LineProgressView) => void): Promise<LineRunView>;
  /** Forgets what waits for a yes, stops before the next step, and no longer waits for a test call. */
  lineStop(): Promise<void>;
  /** What removing a line would do. */
  lineRemoval(line: string): Promise<LinePlanView>;
  lineRemove(line: string): Promise<void>;
  lineUndoShow(line: string): Promise<LineUndoView>;
  /** Answers what was left alone, and why. */
  lineUndo(line: string, signIn: LineSignIn): Promise<string[]>;
  /** Calls the number over the line; without one, waits until the line is called. */
  lineTest(line: string, to: string | null): Promise<LineProofView>;
  /** Sets what calls go over a line and whether it rings here. Answers all lines. */
  lineSet(line: string, calling: LineCallingDraft): Promise<LineCard[]>;
  /** What lines are estimated to have cost in a month (`2026-11`; empty: the present one). */
  lineCosts(month: string): Promise<LineCostsView>;
  /** Keeps what a person typed from the price lists, and estimates that month again. */
  lineRates(line: string, rates: LineRatesDraft, month: string): Promise<LineCostsView>;
  /** Everything about a line that may be shown. */
  lineSheet(line: string): Promise<LineSheetView>;
  /** Puts the password of a line onto the clipboard. It does not come here. */
  linePasswordCopy(line: string): Promise<void>;
  /** Puts the report of the last check onto the clipboard, secrets masked. */
  lineReportCopy(line: string): Promise<void>;
  /** Opens a page of the provider in the browser. */
  linePageOpen(line: string, page: string): Promise<void>;
  /** Every trunk and rule of the project, whoever made them. */
  lineProject(): Promise<ProjectObjectView[]>;
  /** The numbers of an account at a provider. The sign-in is not kept. */
  lineNumbers(provider: string, signIn: LineSignIn): Promise<LineNumberView[]>;
  settingsShow(): Promise<SettingsInForce>;
  /** Changes some of them; answers all as they are in force then. */
  settingsChange(change: SettingsChange): Promise<SettingsInForce>;
  accountShow(): Promise<AccountView>;
  /** `secret` null keeps the stored one. It goes in and never comes back. */
  accountSet(url: string, key: string, secret: string | null): Promise<AccountView>;
  accountForget(): Promise<AccountView>;
  /** Reads a `.env` file and says what would be taken. Its secrets go in and never come back; nothing is kept yet. */
  envRead(bytes: Uint8Array, purpose: EnvPurpose): Promise<EnvFileView>;
  /** Signs in with the file that was read last. */
  envSignIn(): Promise<AccountView>;
  /** Puts the file that was read last away. */
  envForget(): Promise<void>;
  devices(): Promise<DevicesView>;
  /** Everything that is known of one call. */
  callDetails(call: string): Promise<CallDetails>;
  /** Writes what the server said of calls into the folder for downloads. */
  eventsExport(format: ExportFormat): Promise<Exported>;

  soundShow(): Promise<SoundView>;
  soundSet(settings: SoundSettings): Promise<SoundView>;
  /** Tells how loud it is, 15 times a second at most, until the answer is called. */
  soundLevels(listener: (levels: LevelsView) => void): Promise<Unsubscribe>;
  /** The echo test: we hear you for four seconds, then you hear yourself. */
  soundTest(on: boolean): Promise<void>;
  /** Rings once, as it would for a caller. */
  ringTest(ringtone: RingtoneSetting): Promise<void>;
  /** Takes a sound file as ringtone and lets it ring; the first half minute counts, and at most 16 MB. */
  ringtoneImport(name: string, bytes: Uint8Array): Promise<SoundView>;
  ringtoneRemove(): Promise<SoundView>;
  /** Records a live call into a file; `SoundView.recording` shows it. */
  recordingStart(call: string): Promise<void>;
  recordingPause(call: string, paused: boolean): Promise<void>;
  recordingStop(call: string): Promise<void>;
  /** The recording of a call in the history, for drawing; reads the whole file. */
  recordingOutline(call: string): Promise<RecordingOutline>;
  /** Lets it be heard at this desk from a place on, in place of the one before; `SoundView.player` shows it. */
  recordingPlay(call: string, fromMs: number): Promise<void>;
  recordingHalt(): Promise<void>;
  /** Lets the far end's last seconds be heard again; `SoundView.replay` shows what there is. */
  replayStart(seconds: number): Promise<void>;
  replayStop(): Promise<void>;

  watchersShow(): Promise<WatchersView>;
  /** `secret` null keeps the stored one. */
  watchersSet(draft: WatchersDraft, secret: string | null): Promise<WatchersView>;

  desktopShow(): Promise<DesktopView>;
  desktopSet(settings: DesktopSettings): Promise<DesktopView>;
  shellShow(): Promise<ShellView>;
  /** The number from a link was taken or put away. */
  prefillDone(id: number): Promise<void>;
  /** The screen that was asked for is shown. */
  goToDone(id: number): Promise<void>;
  setCompact(compact: boolean): Promise<void>;
  /** Ends the program; whoever asks has shown what is lost. */
  quit(): Promise<void>;
  quitCancel(): Promise<void>;
  readinessShow(): Promise<ReadinessView>;
  /** A test ring through a real room. How it goes is told by `onReadinessChanged`. */
  ringMeNow(): Promise<void>;
  firstRunShow(): Promise<FirstRunView>;
  firstRunSet(firstRun: FirstRunView): Promise<void>;
  /** Does what a hook does, with an invented call. */
  hookTest(hook: HookSetting): Promise<HookTested>;

  onPhoneChanged(listener: (view: PhoneView) => void): Promise<Unsubscribe>;
  onHistoryChanged(listener: () => void): Promise<Unsubscribe>;
  onDevicesChanged(listener: () => void): Promise<Unsubscribe>;
  onSoundChanged(listener: (view: SoundView) => void): Promise<Unsubscribe>;
  onSettingsChanged(listener: (settings: SettingsInForce) => void): Promise<Unsubscribe>;
  onWatchersChanged(listener: (view: WatchersView) => void): Promise<Unsubscribe>;
  onDesktopChanged(listener: (view: DesktopView) => void): Promise<Unsubscribe>;
  onShellChanged(listener: (view: ShellView) => void): Promise<Unsubscribe>;
  onReadinessChanged(listener: (view: ReadinessView) => void): Promise<Unsubscribe>;
  onLookChanged(listener: (view: LookView) => void): Promise<Unsubscribe>;
  /** Keys for something a window does were pressed in another program. */
  onShortcutPressed(listener: (action: ShortcutAction) => void): Promise<Unsubscribe>;
}

/** Whatever was thrown, as an `IpcError`: a fault of the shell itself may be a plain string. */
export function asIpcError(thrown: unknown): IpcError {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown && typeof thrown.message === 'string') {
    const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'shell';
    return { code, message: thrown.message };
  }
  return { code: 'shell', message: String(thrown) };
}
