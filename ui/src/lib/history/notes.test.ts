import { expect, test, vi } from 'vitest';
import { FakePhone } from '../backend/fake';
import { Notes } from './notes.svelte';

/** The first call of the fake history, with its note open. */
async function opened() {
  const backend = new FakePhone('', 0);
  const call = (await backend.historyPage(null, 1)).rows[0]?.id ?? '';
  const lost = vi.fn<(refusal: string) => void>();
  const notes = new Notes(backend, lost);
  const saved = async () => (await backend.callDetails(call)).row.note;
  return { backend, call, lost, notes, saved };
}
const known = (note: { known: boolean }) => vi.waitFor(() => expect(note.known).toBe(true));

test('the note that is there already is read before anything can be typed over it', async () => {
  const { backend, call, notes } = await opened();
  await backend.historyNote(call, 'Bring the green folder');
  const note = notes.of(call);
  expect([note.known, note.saved]).toEqual([false, false]);
  await known(note);
  expect([note.text, note.saved]).toEqual(['Bring the green folder', true]);
});

test('one request at a time, and the newest text is the last one written', async () => {
  const { backend, call, notes } = await opened();
  const note = notes.of(call);
  const end = note.look();
  await known(note);
  const written: string[] = [];
  const answers: (() => void)[] = [];
  vi.spyOn(backend, 'historyNote').mockImplementation((_call, text) => {
    written.push(text);
    return new Promise((done) => answers.push(done));
  });
  note.type('one');
  void note.save();
  note.type('one two');
  void note.save();
  end();
  expect(written).toEqual(['one']);
  answers[0]?.();
  await vi.waitFor(() => expect(written).toEqual(['one', 'one two']));
  answers[1]?.();
  await vi.waitFor(() => expect(note.unsaved).toBe(false));
  expect(note.saved).toBe(true);
});

test('a note that cannot be saved when it is left is told, and is there when it is opened again', async () => {
  const { backend, call, lost, notes, saved } = await opened();
  const note = notes.of(call);
  const end = note.look();
  await known(note);
  const refused = vi.spyOn(backend, 'historyNote').mockRejectedValue({ code: 'history', message: 'The disk is full.' });
  note.type('Call back on Friday');
  end();
  await vi.waitFor(() => expect(lost.mock.calls).toEqual([['The disk is full.']]));
  const again = notes.of(call);
  expect([again.text, again.refusal]).toEqual(['Call back on Friday', 'The disk is full.']);
  refused.mockRestore();
  again.look();
  await again.retry();
  expect([await saved(), again.refusal]).toEqual(['Call back on Friday', null]);
});

test('a note that cannot be read says why, and is read when that is tried again', async () => {
  const { backend, call, notes } = await opened();
  const refused = vi.spyOn(backend, 'callDetails').mockRejectedValue({ code: 'history', message: 'It is locked.' });
  const note = notes.of(call);
  note.look();
  await vi.waitFor(() => expect(note.refusal).toBe('It is locked.'));
  expect(note.known).toBe(false);
  refused.mockRestore();
  await note.retry();
  expect([note.known, note.refusal]).toEqual([true, null]);
});
