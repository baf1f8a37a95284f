import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import { Desk } from '../../desk/desk.svelte';
import { Toasts } from '../../toasts.svelte';
import Privacy from './Privacy.svelte';
import Ringing from './Ringing.svelte';

beforeAll(() => {
  // The environment has no dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

async function ready() {
  const backend = new FakePhone('');
  const desk = new Desk(backend);
  await desk.connect();
  /** What the core has now; waits until it has that. */
  const kept = (wanted: object) => vi.waitFor(async () => expect((await backend.settingsShow()).settings).toMatchObject(wanted));
  return { backend, desk, kept };
}

/** Menus are shown inside the page's `main`. */
function privacy(backend: FakePhone, desk: Desk, toasts: Toasts) {
  const main = document.body.appendChild(document.createElement('main'));
  onTestFinished(() => main.remove());
  render(Privacy, { target: main, props: { backend, desk, toasts } });
}

const choose = (testid: string, value: string) => fireEvent.change(screen.getByTestId(testid), { target: { value } });
const press = (testid: string) => fireEvent.click(screen.getByTestId(testid));

test('business hours are added, changed, given a day more and taken away', async () => {
  const { backend, desk, kept } = await ready();
  render(Ringing, { props: { backend, desk } });
  expect(screen.queryByTestId('when-closed')).toBeNull();
  await press('hours-add');
  await kept({ hours: [{ days: [1, 2, 3, 4, 5], from_minute: 480, to_minute: 1080 }] });
  await choose('hours-from', '07:30');
  await kept({ hours: [{ from_minute: 450, to_minute: 1080 }] });
  await choose('hours-to', '00:00');
  await kept({ hours: [{ from_minute: 450, to_minute: 1440 }] });
  await fireEvent.click(screen.getByRole('button', { name: 'Saturday' }));
  await kept({ hours: [{ days: [1, 2, 3, 4, 5, 6] }] });
  for (const closed of ['silent', 'decline', 'ring'] as const) {
    await choose('when-closed', closed);
    await kept({ when_closed: closed });
  }
  await press('hours-remove');
  await kept({ hours: [] });
});

test('the last day of a stretch stays', async () => {
  const { backend, desk, kept } = await ready();
  render(Ringing, { props: { backend, desk } });
  await press('hours-add');
  for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Thursday']) {
    await fireEvent.click(screen.getByRole('button', { name: day }));
  }
  await kept({ hours: [{ days: [5] }] });
  await fireEvent.click(screen.getByRole('button', { name: 'Friday' }));
  await kept({ hours: [{ days: [5] }] });
});

test('what is set elsewhere is shown, and stays when something else is set here', async () => {
  const { backend, desk, kept } = await ready();
  render(Ringing, { props: { backend, desk } });
  // As `deskline line set --ring off`, or the switch of a line, does.
  await backend.settingsChange({ quiet_lines: ['+12125550100'], call_waiting: false });
  await vi.waitFor(() => expect(screen.getByTestId('call-waiting').getAttribute('aria-checked')).toBe('false'));
  await choose('decline-setting', 'only_here');
  await kept({ decline: 'only_here', quiet_lines: ['+12125550100'], call_waiting: false });
});

test('declining, call waiting and who always rings are set', async () => {
  const { backend, desk, kept } = await ready();
  render(Ringing, { props: { backend, desk } });
  for (const decline of ['everybody', 'only_here', 'last_desk'] as const) {
    await choose('decline-setting', decline);
    await kept({ decline });
  }
  const waiting = (await backend.settingsShow()).settings.call_waiting;
  await press('call-waiting');
  await kept({ call_waiting: !waiting });

  const before = (await backend.settingsShow()).settings.always_ring;
  await fireEvent.input(screen.getByTestId('always-ring-number'), { target: { value: '+13125550143' } });
  await press('always-ring-add');
  await kept({ always_ring: [...before, '+13125550143'] });
  await fireEvent.click(await screen.findByRole('button', { name: /\+13125550143/ }));
  await kept({ always_ring: before });
});

test('a number that is none stays as typed beside the sentence of the core', async () => {
  const { backend, desk } = await ready();
  vi.spyOn(backend, 'settingsChange').mockRejectedValue({ code: 'bad_setting', message: 'This is no number.' });
  render(Ringing, { props: { backend, desk } });
  await fireEvent.input(screen.getByTestId('always-ring-number'), { target: { value: 'nonsense' } });
  await press('always-ring-add');
  await screen.findByText('This is no number.');
  expect(screen.getByTestId<HTMLInputElement>('always-ring-number').value).toBe('nonsense');
});

test('how long calls are kept is set, for ever too', async () => {
  const { backend, desk, kept } = await ready();
  privacy(backend, desk, new Toasts());
  await choose('keep-days', '90');
  await kept({ keep_days: 90 });
  await choose('keep-days', '0');
  await kept({ keep_days: null });
});

test.each(['history', 'contacts', 'everything'] as const)('%s is erased once that is confirmed', async (what) => {
  const { backend, desk } = await ready();
  const toasts = new Toasts();
  const wipe = vi.spyOn(backend, 'wipe');
  privacy(backend, desk, toasts);
  await press(`erase-${what}`);
  await press('erase-cancel');
  expect(wipe).not.toHaveBeenCalled();
  await press(`erase-${what}`);
  await press('erase-confirm');
  await vi.waitFor(() => expect(toasts.all).toHaveLength(1));
  expect(wipe.mock.calls).toEqual([[what]]);
  expect(screen.queryByTestId('erase-dialog')).toBeNull();
});

test('calls that are not over stay when history is erased, and that is said', async () => {
  const { backend, desk } = await ready();
  const toasts = new Toasts();
  vi.spyOn(backend, 'wipe').mockResolvedValue(1);
  privacy(backend, desk, toasts);
  await press('erase-history');
  await press('erase-confirm');
  await vi.waitFor(() => expect(toasts.all).toMatchObject([{ text: 'Erased. 1 call stays: it is not over yet.' }]));
});

test('what cannot be erased is told', async () => {
  const { backend, desk } = await ready();
  const toasts = new Toasts();
  vi.spyOn(backend, 'wipe').mockRejectedValue({ code: 'history', message: 'The disk is full.' });
  privacy(backend, desk, toasts);
  await press('erase-everything');
  await press('erase-confirm');
  await vi.waitFor(() => expect(toasts.all).toMatchObject([{ refused: true, text: 'The disk is full.' }]));
});
