/** The states the fake phone can be started in: `?fake=<name>`. */
import type { CallView, PersonView } from './bindings';
import type { FakePhone } from './fake';
import { HOOK } from './fake-desktop';
import { farEnd } from './fake-calls';
import { endOf, NAMES, shown } from './fake-data';

const ELENA = '+13125550142';
const NORTHGATE = '+16465550171';
const HARBOR = '+13125550148';
const AIKO = '+14155550155';
const MARIA = '+12125550117';
const SAMUEL = '+12125550118';

const DAY = 86_400_000;
const QUIT = {
  title: 'Quit and miss calls?',
  detail: 'Nothing rings after that. Closing the window keeps Deskline ringing in the tray.',
  stay: 'Keep in tray',
  quit: 'Quit',
};

export type Scene = (phone: FakePhone) => void;

/** A call that was answered four minutes ago. */
function live(phone: FakePhone, change: Partial<CallView> = {}, number = ELENA): string {
  const at = Date.now() - 252_000;
  const id = phone.ring(number);
  phone.change(id, {
    state: 'live',
    started_at_ms: at - 9_000,
    answered_at_ms: at,
    can_transfer: true,
    silenced: false,
    ...change,
  });
  return id;
}

function person(number: string, change: Partial<PersonView>): PersonView {
  return {
    leg: `leg-${number.slice(-4)}`,
    number,
    number_shown: shown(number),
    name: NAMES[number] ?? null,
    contact: null,
    state: 'up',
    end: null,
    ...change,
  };
}

/** A call with more people than the far end. `far` is how the far end is meanwhile. */
function several(phone: FakePhone, far: Partial<PersonView>, others: PersonView[], alone: boolean): void {
  const id = live(phone, { can_transfer: false });
  const call = phone.call(id);
  if (!call) return;
  phone.change(id, {
    people: [{ ...farEnd(call), ...far }, ...others],
    private_with: alone ? (others[0]?.leg ?? null) : null,
  });
}

const held = (phone: FakePhone, number = SAMUEL) => live(phone, { held: true, words: 'On hold' }, number);

export const SCENES: Readonly<Record<string, Scene>> = {
  ringing: (phone) =>
    void phone.ring(ELENA, {
      remembered: {
        at_ms: Date.now() - 2 * DAY,
        words: 'Maria promised the revised quote by Friday',
        missed: false,
      },
    }),
  'ringing-only-desk': (phone) => void phone.ring('+16465550198', { decline_effect: 'ends_for_caller' }),
  'ringing-long': (phone) =>
    void phone.ring(HARBOR, {
      silenced: true,
      remembered: { at_ms: Date.now() - 38 * 60_000, words: 'Missed, rang 24 s', missed: true },
    }),
  'ringing-private': (phone) => void phone.ring('', { number_shown: 'Private number' }),
  'ringing-two': (phone) => {
    phone.ring(HARBOR);
    phone.ring(AIKO);
  },
  claiming: (phone) => void phone.ring(ELENA, { state: 'claiming' }),
  elsewhere: (phone) => phone.endCall(phone.ring(), 'answered_elsewhere'),
  dialling: (phone) => void phone.dialling(NORTHGATE),
  live: (phone) => void live(phone),
  muted: (phone) =>
    void live(phone, { muted: true, words: 'Your microphone is off', keys_sent: '12#', keys_received: '4' }),
  recorded: (phone) => {
    const call = live(phone);
    phone.sound.record(call);
    phone.sound.keep(45);
    phone.sound.sounds(call);
  },
  'sounds-poor': (phone) =>
    phone.sound.sounds(live(phone), {
      word: 'poor',
      heard_here: { word: 'poor', reason: 'loss' },
      lost_per_mille: 64,
      jitter_ms: 71,
    }),
  held: (phone) => void live(phone, { held: true, muted: true, words: 'On hold', keys_sent: '12#' }),
  reconnecting: (phone) => void live(phone, { reconnecting: true, gives_up_at_ms: Date.now() + 30_000, words: 'Reconnecting' }),
  'live-ringing': (phone) => {
    live(phone);
    phone.ring(NORTHGATE);
  },
  'live-held': (phone) => {
    held(phone);
    live(phone);
  },
  'live-held-ringing': (phone) => {
    held(phone);
    live(phone);
    phone.ring(NORTHGATE);
  },
  consult: (phone) => several(phone, { state: 'waiting' }, [person(MARIA, {})], true),
  'consult-ringing': (phone) => several(phone, { state: 'waiting' }, [person(MARIA, { state: 'ringing' })], true),
  'consult-refused': (phone) => several(phone, {}, [person(MARIA, { state: 'gone', end: endOf('busy') })], false),
  conference: (phone) => several(phone, {}, [person(MARIA, {}), person(SAMUEL, {})], false),
  'transfer-asked': (phone) =>
    void live(phone, { can_transfer: false, transfer: { to: 'Maria Lindqvist', state: 'asked', words: null } }),
  'transfer-failed': (phone) =>
    void live(phone, {
      transfer: {
        to: 'Maria Lindqvist',
        state: 'failed',
        words: 'Maria Lindqvist did not take the call (busy). Your caller is still here.',
      },
    }),
  'handed-over': (phone) => {
    several(phone, {}, [person(MARIA, {})], false);
    for (const call of phone.calls) void phone.handOver(call.id);
  },
  stranded: (phone) => void live(phone, { state: 'stranded', can_transfer: false, can_rejoin: true }),
  busy: (phone) => phone.endCall(phone.dialling('+12125550101'), 'busy'),
  talked: (phone) => {
    phone.endCall(live(phone), 'hung_up_there');
    phone.sound.keep(60);
  },
  missed: (phone) => phone.endCall(phone.ring('+16465550198'), 'missed'),
  notice: (phone) => phone.notify('0800-FLOWERS is not a phone number. Use digits only, with + for other countries.'),
  'first-run': (phone) => {
    phone.desktop.firstRun = { done: false, step: 'connect' };
    phone.forgetHistory();
    phone.records.forgetContacts();
    void phone.accountForget();
  },
  'first-run-sound': (phone) => void (phone.desktop.firstRun = { done: false, step: 'sound' }),
  'first-run-region': (phone) => void (phone.desktop.firstRun = { done: false, step: 'region' }),
  'first-run-test': (phone) => void (phone.desktop.firstRun = { done: false, step: 'test_ring' }),
  link: (phone) =>
    phone.desktop.tell({
      prefill: {
        id: 1,
        number: '+13125550142',
        number_shown: '(312) 555-0142',
        keys: '204',
        service_code: false,
        words: 'From a link. Press Enter to call; extension 204 is dialled after the answer.',
      },
    }),
  'link-refused': (phone) =>
    phone.desktop.tell({
      prefill: { id: 1, number: '', number_shown: '', keys: null, service_code: false, words: 'The link holds no number.' },
    }),
  quit: (phone) => phone.desktop.tell({ quit: QUIT }),
  compact: (phone) => phone.desktop.tell({ compact: true }),
  'compact-live': (phone) => {
    phone.desktop.tell({ compact: true });
    live(phone);
  },
  hooks: (phone) => void phone.desktop.set({ ...phone.desktop.settings, hooks: [HOOK] }),
  'shortcut-taken': (phone) =>
    void phone.desktop.set({
      ...phone.desktop.settings,
      shortcuts: phone.desktop.settings.shortcuts.map((one) =>
        one.action === 'find' ? { ...one, global: 'Ctrl+Alt+Space' } : one,
      ),
    }),
  empty: (phone) => {
    phone.forgetHistory();
    phone.records.forgetContacts();
  },
  million: (phone) => {
    phone.fillHistory(1_000_000);
    phone.records.fillContacts(100_000);
  },
  'history-refused': (phone) =>
    phone.forgetHistory({
      code: 'history',
      message: 'The profile folder cannot be read. Check its permissions, then try again.',
    }),
  offline: (phone) => phone.setLine('unreachable', Date.now() + 12_000),
  refused: (phone) => phone.setLine('refused'),
  locked: (phone) => phone.lockKeychain(),
  broken: (phone) => phone.setLine('broken'),
  'no-lines': (phone) => phone.phoneLines.none(),
  'no-trunk': (phone) => phone.setLine('no_trunk'),
  'signed-out': (phone) => void phone.accountForget(),
  'no-devices': (phone) => phone.unplug(),
  dnd: (phone) => void phone.setAvailability({ state: 'do_not_disturb', until_ms: null }),
  'dnd-until': (phone) =>
    void phone.setAvailability({ state: 'do_not_disturb', until_ms: new Date().setHours(23, 30, 0, 0) }),
  'after-hours': (phone) => phone.setQuiet('Nothing rings here: the desk opens at 8 AM.'),
};
