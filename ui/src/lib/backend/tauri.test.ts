import { clearMocks, mockIPC, mockWindows } from '@tauri-apps/api/mocks';
import { afterEach, expect, test, vi } from 'vitest';
import { aView } from '../../testing/views';
import type { Backend } from './backend';
import { DESKTOP, HOOK } from './fake-desktop';
import { SOUND, WATCHERS } from './fake-sound';
import { tauriBackend } from './tauri';

afterEach(() => clearMocks());

const A_DRAFT = { name: 'Ana', organisation: '', note: '', numbers: [{ label: '', number: '+12125550100' }] };

/** Every command: how the windows call it, and what must reach the shell. */
const COMMANDS: [call: (backend: Backend) => Promise<unknown>, command: string, args: Record<string, unknown>][] = [
  [(backend) => backend.snapshot(), 'snapshot', {}],
  [(backend) => backend.dial('+12125550100'), 'dial', { number: '+12125550100' }],
  [(backend) => backend.answer('c', 'hold'), 'answer', { call: 'c', other: 'hold' }],
  [(backend) => backend.decline('c'), 'decline', { call: 'c' }],
  [(backend) => backend.silence('c'), 'silence', { call: 'c' }],
  [(backend) => backend.hangUp('c'), 'hang_up', { call: 'c' }],
  [(backend) => backend.setMuted('c', true), 'set_muted', { call: 'c', muted: true }],
  [(backend) => backend.setHeld('c', true), 'set_held', { call: 'c', held: true }],
  [(backend) => backend.transfer('c', '103'), 'transfer', { call: 'c', to: '103' }],
  [(backend) => backend.addPerson('c', '103', true), 'add_person', { call: 'c', number: '103', private: true }],
  [(backend) => backend.merge('c'), 'merge', { call: 'c' }],
  [(backend) => backend.talkPrivately('c', 'l'), 'talk_privately', { call: 'c', leg: 'l' }],
  [(backend) => backend.handOver('c'), 'hand_over', { call: 'c' }],
  [(backend) => backend.dropPerson('c', 'l'), 'drop_person', { call: 'c', leg: 'l' }],
  [(backend) => backend.rejoin('c'), 'rejoin', { call: 'c' }],
  [
    (backend) => backend.setAvailability({ state: 'do_not_disturb', until_ms: 5 }),
    'set_availability',
    { availability: { state: 'do_not_disturb', until_ms: 5 } },
  ],
  [(backend) => backend.sendKeys('c', '1#'), 'send_keys', { call: 'c', keys: '1#' }],
  [(backend) => backend.dismiss('c'), 'dismiss', { call: 'c' }],
  [(backend) => backend.dismissNotice(4), 'dismiss_notice', { id: 4 }],
  [(backend) => backend.retryLine(), 'retry_line', {}],
  [(backend) => backend.historyPage(null, 50), 'history_page', { query: {}, cursor: null, limit: 50 }],
  [(backend) => backend.historyPage(null, 50, { text: 'ana' }), 'history_page', { query: { text: 'ana' }, cursor: null, limit: 50 }],
  [(backend) => backend.missedCount(), 'missed_count', {}],
  [(backend) => backend.historySeen(null), 'history_seen', { call: null }],
  [(backend) => backend.historyNote('c', 'n'), 'history_note', { call: 'c', note: 'n' }],
  [(backend) => backend.historyDelete(['c']), 'history_delete', { calls: ['c'] }],
  [(backend) => backend.historyUndelete('t'), 'history_undelete', { token: 't' }],
  [
    (backend) => backend.historyExport({ text: 'ana' }, 'csv'),
    'history_export',
    { query: { text: 'ana' }, format: 'csv' },
  ],
  [(backend) => backend.wipe('history'), 'wipe', { what: 'history' }],
  [(backend) => backend.contacts('ana', null, 50), 'contacts', { text: 'ana', cursor: null, limit: 50 }],
  [(backend) => backend.contactSave(null, A_DRAFT), 'contact_save', { id: null, draft: A_DRAFT }],
  [(backend) => backend.contactDelete(3), 'contact_delete', { id: 3 }],
  [
    (backend) => backend.contactsImport('a.vcf', new Uint8Array([65])),
    'contacts_import',
    { name: 'a.vcf', bytes: [65] },
  ],
  [(backend) => backend.contactsUndoImport(3), 'contacts_undo_import', { import: 3 }],
  [(backend) => backend.settingsShow(), 'settings_show', {}],
  [(backend) => backend.settingsChange({ keep_days: 0 }), 'settings_change', { change: { keep_days: 0 } }],
  [(backend) => backend.accountShow(), 'account_show', {}],
  [(backend) => backend.accountSet('u', 'k', null), 'account_set', { url: 'u', key: 'k', secret: null }],
  [(backend) => backend.accountForget(), 'account_forget', {}],
  [(backend) => backend.dial('+12125550100', '12#'), 'dial', { number: '+12125550100', keys: '12#' }],
  [(backend) => backend.envRead(new Uint8Array([65]), 'line'), 'env_read', { bytes: [65], purpose: 'line' }],
  [(backend) => backend.envSignIn(), 'env_sign_in', {}],
  [(backend) => backend.envForget(), 'env_forget', {}],
  [(backend) => backend.lineReportCopy('l'), 'line_report_copy', { line: 'l' }],
  [(backend) => backend.linePageOpen('l', 'log'), 'line_page_open', { line: 'l', page: 'log' }],
  [(backend) => backend.devices(), 'devices', {}],
  [(backend) => backend.callDetails('c'), 'call_details', { call: 'c' }],
  [(backend) => backend.eventsExport('json'), 'events_export', { format: 'json' }],
  [(backend) => backend.soundShow(), 'sound_show', {}],
  [(backend) => backend.soundSet(SOUND.settings), 'sound_set', { settings: SOUND.settings }],
  [(backend) => backend.soundTest(true), 'sound_test', { on: true }],
  [(backend) => backend.ringTest('bells'), 'ring_test', { ringtone: 'bells' }],
  [
    (backend) => backend.ringtoneImport('a.wav', new Uint8Array([1, 2])),
    'ringtone_import',
    { name: 'a.wav', bytes: [1, 2] },
  ],
  [(backend) => backend.ringtoneRemove(), 'ringtone_remove', {}],
  [(backend) => backend.recordingStart('c'), 'recording_start', { call: 'c' }],
  [(backend) => backend.recordingPause('c', true), 'recording_pause', { call: 'c', paused: true }],
  [(backend) => backend.recordingStop('c'), 'recording_stop', { call: 'c' }],
  [(backend) => backend.recordingOutline('c'), 'recording_outline', { call: 'c' }],
  [(backend) => backend.recordingPlay('c', 1500), 'recording_play', { call: 'c', fromMs: 1500 }],
  [(backend) => backend.recordingHalt(), 'recording_halt', {}],
  [(backend) => backend.replayStart(15), 'replay_start', { seconds: 15 }],
  [(backend) => backend.replayStop(), 'replay_stop', {}],
  [(backend) => backend.watchersShow(), 'watchers_show', {}],
  [(backend) => backend.watchersSet(WATCHERS.wanted, null), 'watchers_set', { draft: WATCHERS.wanted, secret: null }],
  [(backend) => backend.desktopShow(), 'desktop_show', {}],
  [(backend) => backend.desktopSet(DESKTOP), 'desktop_set', { settings: DESKTOP }],
  [(backend) => backend.shellShow(), 'shell_show', {}],
  [(backend) => backend.prefillDone(2), 'prefill_done', { id: 2 }],
  [(backend) => backend.goToDone(2), 'go_to_done', { id: 2 }],
  [(backend) => backend.setCompact(true), 'set_compact', { compact: true }],
  [(backend) => backend.quit(), 'quit', {}],
  [(backend) => backend.quitCancel(), 'quit_cancel', {}],
  [(backend) => backend.readinessShow(), 'readiness_show', {}],
  [(backend) => backend.ringMeNow(), 'ring_me_now', {}],
  [(backend) => backend.firstRunShow(), 'first_run_show', {}],
  [
    (backend) => backend.firstRunSet({ done: false, step: 'sound' }),
    'first_run_set',
    { firstRun: { done: false, step: 'sound' } },
  ],
  [(backend) => backend.hookTest(HOOK), 'hook_test', { hook: HOOK }],
];

test.each(COMMANDS)('command %#: %s', async (call, command, args) => {
  const seen: unknown[] = [];
  mockIPC((name, payload) => {
    seen.push([name, payload ?? {}]);
    return null;
  });
  await call(tauriBackend());
  expect(seen).toEqual([[command, args]]);
});

test('a refusal arrives as an IpcError', async () => {
  mockIPC(() => {
    throw { code: 'no_line', message: 'Sign in first.' };
  });
  await expect(tauriBackend().dial('1')).rejects.toEqual({ code: 'no_line', message: 'Sign in first.' });
});

test('a fault of the shell arrives as an IpcError too', async () => {
  mockIPC(() => {
    throw 'dial not allowed. Command not found';
  });
  await expect(tauriBackend().dial('1')).rejects.toEqual({
    code: 'shell',
    message: 'dial not allowed. Command not found',
  });
});

test('events carry whole views, and stop with the subscription', async () => {
  mockIPC(() => null, { shouldMockEvents: true });
  const { emit } = await import('@tauri-apps/api/event');
  const revisions: number[] = [];
  let history = 0;
  const backend = tauriBackend();
  const stop = await backend.onPhoneChanged((view) => revisions.push(view.rev));
  await backend.onHistoryChanged(() => (history += 1));
  await emit('phone-changed', aView({ rev: 3 }));
  await emit('history-changed', null);
  stop();
  await emit('phone-changed', aView({ rev: 4 }));
  expect(revisions).toEqual([3]);
  expect(history).toBe(1);
});

test('a window hears what it is told alone', async () => {
  const targets: unknown[] = [];
  mockWindows('overlay');
  mockIPC((name, payload) => {
    if (name === 'plugin:event|listen') targets.push((payload as { target: unknown }).target);
    return 1;
  });
  await tauriBackend().onPhoneChanged(() => undefined);
  expect(targets).toEqual([{ kind: 'WebviewWindow', label: 'overlay' }]);
});

test('what the page began with counts while the page is new', () => {
  const begin = (ago: number) => vi.stubGlobal('__DESKLINE_START__', { at_ms: Date.now() - ago, phone: aView() });
  expect(tauriBackend().start()).toBeNull();
  begin(200);
  expect(tauriBackend().start()?.phone).toEqual(aView());
  begin(60_000);
  expect(tauriBackend().start()).toBeNull();
  vi.unstubAllGlobals();
});
