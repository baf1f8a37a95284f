/** The address book and the settings of the fake phone. It takes the simplest of vCard and CSV; the core takes all of them. */
import type { Unsubscribe } from './backend';
import type { ContactDraft, ContactsPage, ContactView, ImportView, IpcError, SettingsChange, SettingsInForce, SettingsView } from './bindings';

const SETTINGS: SettingsView = {
  region: 'US',
  ring_for_s: 25,
  decline: 'last_desk',
  hours: [],
  when_closed: 'ring',
  quiet_lines: [],
  always_ring: [],
  call_waiting: true,
  keep_days: 365,
};

const person = (
  id: number,
  name: string,
  organisation: string,
  note: string,
  ...numbers: [label: string, number: string][]
): ContactView => ({ id, name, organisation, note, numbers: numbers.map(([label, number]) => ({ label, number })) });

const EVERYBODY: ContactView[] = [
  person(1, 'Aiko Tanaka', 'Tanaka Stone', '', ['Mobile', '(415) 555-0155']),
  person(
    2,
    'Elena Marchetti',
    'Marchetti Interiors',
    'Prefers a call before 11. Client contact for the Harbor Street lobby.',
    ['Office', '(312) 555-0142'],
    ['Direct', '(415) 555-0163'],
  ),
  person(3, 'Harbor Street Building Management, Facilities and Deliveries Desk', '', '', ['Main', '(312) 555-0148']),
  person(4, 'Luis Ferreira', 'Front desk', '', ['Desk', '(212) 555-0119']),
  person(5, 'Maria Lindqvist', 'Juniper and Rowe', '', ['Desk', '(212) 555-0117']),
  person(6, 'Northgate Dental', '', '', ['Office', '(646) 555-0171']),
  person(7, 'Samuel Adeyemi', 'Adeyemi Structural', '', ['Mobile', '(212) 555-0118']),
];

const refusal = (code: string, message: string) => ({ code, message }) satisfies IpcError;

export class FakeRecords {
  /** What was written about calls that are not over. */
  readonly notes = new Map<string, string>();
  readonly #settingsListeners = new Set<(now: SettingsInForce) => void>();
  settings: SettingsInForce = { rev: 1, settings: SETTINGS };
  #contacts = EVERYBODY;
  #lastImport = 0;
  #imported = new Map<number, number[]>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  forgetContacts(): void {
    this.#contacts = [];
  }

  /** The address book with `count` more people in it. */
  fillContacts(count: number): void {
    const more = Array.from({ length: count }, (_, at) =>
      person(1000 + at, `Person ${String(at).padStart(6, '0')}`, 'Example', '', ['', `(${200 + (at % 800)}) 555-01${String(at % 100).padStart(2, '0')}`]),
    );
    this.#contacts = [...EVERYBODY, ...more];
  }

  page(text: string, cursor: string | null, limit: number): ContactsPage {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const digits = (of: string) => of.replace(/\D/g, '');
    const found = this.#contacts.filter((one) => {
      const hay = `${one.name} ${one.organisation} ${one.note}`.toLowerCase();
      const numbers = one.numbers.map(({ number }) => digits(number));
      return words.every(
        (word) => hay.includes(word) || (digits(word) !== '' && numbers.some((number) => number.includes(digits(word)))),
      );
    });
    const from = Number(cursor ?? 0);
    const next = from + limit < found.length ? String(from + limit) : null;
    return { contacts: found.slice(from, from + limit), next };
  }

  save(id: number | null, draft: ContactDraft): number {
    const numbers = draft.numbers.filter((one) => one.number.trim() !== '');
    if (draft.name.trim() === '') throw refusal('history', 'A contact needs a name.');
    if (numbers.length === 0) throw refusal('history', 'A contact needs at least one number.');
    const wrong = numbers.find((one) => !/\d/.test(one.number));
    if (wrong) throw refusal('history', `${wrong.number} is not a phone number.`);
    const kept = { ...draft, id: id ?? Math.max(0, ...this.#contacts.map((one) => one.id)) + 1, numbers };
    this.#put([...this.#contacts.filter((one) => one.id !== kept.id), kept]);
    return kept.id;
  }

  delete(id: number): void {
    this.#put(this.#contacts.filter((one) => one.id !== id));
  }

  import(name: string, bytes: Uint8Array): ImportView {
    const text = new TextDecoder().decode(bytes);
    const drafts = /^BEGIN:VCARD/m.test(text) ? fromCards(text) : fromCsv(text);
    if (drafts.length === 0)
      throw refusal('history', `${name} has no contacts in it. Export them as vCard or CSV, then try again.`);
    const report: ImportView = { import: null, taken: 0, extended: 0, duplicates: 0, skipped: 0, remarks: [] };
    const ids: number[] = [];
    drafts.forEach((draft, at) => {
      if (draft.numbers.length === 0) {
        report.skipped += 1;
        report.remarks.push(`Contact ${at + 1} (${draft.name || 'no name'}) has no number.`);
      } else if (this.#contacts.some((one) => one.name === draft.name)) report.duplicates += 1;
      else {
        ids.push(this.save(null, draft));
        report.taken += 1;
      }
    });
    if (ids.length === 0) return report;
    this.#lastImport += 1;
    this.#imported.set(this.#lastImport, ids);
    return { ...report, import: this.#lastImport };
  }

  undoImport(id: number): number {
    const ids = this.#imported.get(id) ?? [];
    this.#imported.delete(id);
    this.#put(this.#contacts.filter((one) => !ids.includes(one.id)));
    return ids.length;
  }

  changeSettings(change: SettingsChange): SettingsInForce {
    const { keep_days: keep = this.settings.settings.keep_days } = change;
    const settings: SettingsView = { ...this.settings.settings, ...change, keep_days: keep === 0 ? null : keep };
    if (settings.ring_for_s < 10 || settings.ring_for_s > 75)
      throw refusal('bad_setting', `A phone can ring for 10 to 75 seconds, not ${settings.ring_for_s}.`);
    this.settings = { rev: this.settings.rev + 1, settings };
    for (const listener of this.#settingsListeners) listener(this.settings);
    return this.settings;
  }

  followSettings(listener: (now: SettingsInForce) => void): Unsubscribe {
    this.#settingsListeners.add(listener);
    return () => void this.#settingsListeners.delete(listener);
  }

  #put(contacts: ContactView[]): void {
    this.#contacts = contacts.sort((one, other) => one.name.localeCompare(other.name));
    this.#changed();
  }
}

function fromCards(text: string): ContactDraft[] {
  return text.split(/^BEGIN:VCARD/m).flatMap((card) => {
    const of = (name: string) => new RegExp(`^${name}[^:\\r\\n]*:(.*)$`, 'm').exec(card)?.[1]?.trim() ?? '';
    if (!of('FN') && !of('TEL')) return [];
    const numbers = of('TEL') ? [{ label: '', number: of('TEL') }] : [];
    return [{ name: of('FN'), organisation: of('ORG'), note: of('NOTE'), numbers }];
  });
}

function fromCsv(text: string): ContactDraft[] {
  const [head = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = head.toLowerCase().split(',');
  const name = columns.findIndex((column) => column.includes('name'));
  const phone = columns.findIndex((column) => column.includes('phone'));
  if (name === -1 || phone === -1) return [];
  return lines.map((line) => {
    const cells = line.split(',');
    const number = cells[phone]?.trim() ?? '';
    return {
      name: cells[name]?.trim() ?? '',
      organisation: '',
      note: '',
      numbers: number ? [{ label: '', number }] : [],
    };
  });
}
