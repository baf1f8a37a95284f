/** The backend inside the shell. The only file that may import `@tauri-apps/*`. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { type EventTarget, listen } from '@tauri-apps/api/event';
import { asIpcError, type Backend, type Unsubscribe } from './backend';
import type {
  DesktopView,
  LevelsView,
  LineProgressView,
  LookView,
  PhoneView,
  ReadinessView,
  SettingsInForce,
  ShellView,
  ShortcutAction,
  SoundView,
  StartView,
  WatchersView,
} from './bindings';

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    throw asIpcError(thrown);
  }
}

/** This window: the core tells some things to one window and not to the others, or later. */
function here(): EventTarget {
  const shell = (window as { __TAURI_INTERNALS__?: { metadata?: { currentWebview?: { label: string } } } })
    .__TAURI_INTERNALS__;
  const label = shell?.metadata?.currentWebview?.label;
  return label ? { kind: 'WebviewWindow', label } : { kind: 'Any' };
}

async function on<T>(event: string, listener: (payload: T) => void): Promise<Unsubscribe> {
  return await listen<T>(event, ({ payload }) => listener(payload), { target: here() });
}

/** A page that is loaded again finds what the one before it began with. */
const NEW_FOR_MS = 10_000;

function start(): StartView | null {
  const found = window.__DESKLINE_START__;
  return found && Math.abs(Date.now() - found.at_ms) < NEW_FOR_MS ? found : null;
}

export function tauriBackend(): Backend {
  return {
    start,
    snapshot: () => call('snapshot'),
    painted: (firstRun, moments) => call('painted', { firstRun: firstRun ?? false, moments: moments ?? [] }),
    dial: (number, keys, wish) =>
      call('dial', {
        number,
        ...(keys ? { keys } : {}),
        ...(wish ? { line: wish.line ?? null, callerId: wish.caller_id ?? null } : {}),
      }),
    routeShow: (asked) => call('route_show', { asked }),
    answer: (id, other) => call('answer', { call: id, other }),
    decline: (id) => call('decline', { call: id }),
    silence: (id) => call('silence', { call: id }),
    hangUp: (id) => call('hang_up', { call: id }),
    setMuted: (id, muted) => call('set_muted', { call: id, muted }),
    setHeld: (id, held) => call('set_held', { call: id, held }),
    transfer: (id, to) => call('transfer', { call: id, to }),
    addPerson: (id, number, alone) => call('add_person', { call: id, number, private: alone }),
    merge: (id) => call('merge', { call: id }),
    talkPrivately: (id, leg) => call('talk_privately', { call: id, leg }),
    handOver: (id) => call('hand_over', { call: id }),
    dropPerson: (id, leg) => call('drop_person', { call: id, leg }),
    rejoin: (id) => call('rejoin', { call: id }),
    setAvailability: (availability) => call('set_availability', { availability }),
    sendKeys: (id, keys) => call('send_keys', { call: id, keys }),
    dismiss: (id) => call('dismiss', { call: id }),
    dismissNotice: (id) => call('dismiss_notice', { id }),
    retryLine: () => call('retry_line'),
    historyPage: (cursor, limit, query = {}) => call('history_page', { query, cursor, limit }),
    missedCount: () => call('missed_count'),
    historySeen: (id) => call('history_seen', { call: id }),
    historyNote: (id, note) => call('history_note', { call: id, note }),
    historyDelete: (calls) => call('history_delete', { calls }),
    historyUndelete: (token) => call('history_undelete', { token }),
    historyExport: (query, format) => call('history_export', { query, format }),
    wipe: (what) => call('wipe', { what }),
    contacts: (text, cursor, limit) => call('contacts', { text, cursor, limit }),
    contactSave: (id, draft) => call('contact_save', { id, draft }),
    contactDelete: (id) => call('contact_delete', { id }),
    contactsImport: (name, bytes) => call('contacts_import', { name, bytes: Array.from(bytes) }),
    contactsUndoImport: (id) => call('contacts_undo_import', { import: id }),
    lines: () => call('lines'),
    lineCheck: (line, signIn) => call('line_check', { line, signIn }),
    lineFix: (line, finding) => call('line_fix', { line, finding }),
    linePlan: (asked) => call('line_plan', { asked }),
    lineByHand: (asked) => call('line_by_hand', { asked }),
    lineCarryOut: (listener) => call('line_carry_out', { channel: new Channel<LineProgressView>(listener) }),
    lineStop: () => call('line_stop'),
    lineRemoval: (line) => call('line_removal', { line }),
    lineRemove: (line) => call('line_remove', { line }),
    lineUndoShow: (line) => call('line_undo_show', { line }),
    lineUndo: (line, signIn) => call('line_undo', { line, signIn }),
    lineTest: (line, to) => call('line_test', { line, to }),
    lineSet: (line, calling) => call('line_set', { line, calling }),
    lineCosts: (month) => call('line_costs', { month }),
    lineRates: (line, rates, month) => call('line_rates', { line, rates, month }),
    lineSheet: (line) => call('line_sheet', { line }),
    linePasswordCopy: (line) => call('line_password_copy', { line }),
    lineReportCopy: (line) => call('line_report_copy', { line }),
    linePageOpen: (line, page) => call('line_page_open', { line, page }),
    lineProject: () => call('line_project'),
    lineNumbers: (provider, signIn) => call('line_numbers', { provider, signIn }),
    settingsShow: () => call('settings_show'),
    settingsChange: (change) => call('settings_change', { change }),
    accountShow: () => call('account_show'),
    accountSet: (url, key, secret) => call('account_set', { url, key, secret }),
    accountForget: () => call('account_forget'),
    envRead: (bytes, purpose) => call('env_read', { bytes: Array.from(bytes), purpose }),
    envSignIn: () => call('env_sign_in'),
    envForget: () => call('env_forget'),
    devices: () => call('devices'),
    callDetails: (id) => call('call_details', { call: id }),
    eventsExport: (format) => call('events_export', { format }),
    soundShow: () => call('sound_show'),
    soundSet: (settings) => call('sound_set', { settings }),
    soundLevels: async (listener) => {
      const channel = new Channel<LevelsView>(listener);
      await call('sound_levels', { channel });
      return () => void call('sound_levels_stop').catch(() => undefined);
    },
    soundTest: (on) => call('sound_test', { on }),
    ringTest: (ringtone) => call('ring_test', { ringtone }),
    ringtoneImport: (name, bytes) => call('ringtone_import', { name, bytes: Array.from(bytes) }),
    ringtoneRemove: () => call('ringtone_remove'),
    recordingStart: (id) => call('recording_start', { call: id }),
    recordingPause: (id, paused) => call('recording_pause', { call: id, paused }),
    recordingStop: (id) => call('recording_stop', { call: id }),
    recordingOutline: (id) => call('recording_outline', { call: id }),
    recordingPlay: (id, fromMs) => call('recording_play', { call: id, fromMs }),
    recordingHalt: () => call('recording_halt'),
    replayStart: (seconds) => call('replay_start', { seconds }),
    replayStop: () => call('replay_stop'),
    watchersShow: () => call('watchers_show'),
    watchersSet: (draft, secret) => call('watchers_set', { draft, secret }),
    desktopShow: () => call('desktop_show'),
    desktopSet: (settings) => call('desktop_set', { settings }),
    shellShow: () => call('shell_show'),
    prefillDone: (id) => call('prefill_done', { id }),
    goToDone: (id) => call('go_to_done', { id }),
    setCompact: (compact) => call('set_compact', { compact }),
    quit: () => call('quit'),
    quitCancel: () => call('quit_cancel'),
    readinessShow: () => call('readiness_show'),
    ringMeNow: () => call('ring_me_now'),
    firstRunShow: () => call('first_run_show'),
    firstRunSet: (firstRun) => call('first_run_set', { firstRun }),
    hookTest: (hook) => call('hook_test', { hook }),
    onPhoneChanged: (listener) => on<PhoneView>('phone-changed', listener),
    onHistoryChanged: (listener) => on<null>('history-changed', () => listener()),
    onDevicesChanged: (listener) => on<null>('devices-changed', () => listener()),
    onSoundChanged: (listener) => on<SoundView>('sound-changed', listener),
    onSettingsChanged: (listener) => on<SettingsInForce>('settings-changed', listener),
    onWatchersChanged: (listener) => on<WatchersView>('watchers-changed', listener),
    onDesktopChanged: (listener) => on<DesktopView>('desktop-changed', listener),
    onShellChanged: (listener) => on<ShellView>('shell-changed', listener),
    onReadinessChanged: (listener) => on<ReadinessView>('readiness-changed', listener),
    onLookChanged: (listener) => on<LookView>('look-changed', listener),
    onShortcutPressed: (listener) => on<ShortcutAction>('shortcut-pressed', listener),
  };
}
