import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import LinesView from '../../../views/LinesView.svelte';
import LineTakeBack from './LineTakeBack.svelte';

beforeEach(() => {
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});
afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});

/** Menus open in the main part of the window. */
const show = (backend: FakePhone) =>
  render(LinesView, { target: document.body.appendChild(document.createElement('main')), props: { backend, oncopy: vi.fn() } });

test('each line says what was proven and what was not', async () => {
  show(new FakePhone('', 0));
  const cards = await screen.findAllByTestId('line-card');
  expect(cards.map((card) => within(card).getByRole('heading').textContent)).toEqual(['Main line', 'Projects line']);
  expect(cards[0]?.textContent).toContain('Incoming works');
  expect(cards[1]?.textContent).toContain('Incoming not proven yet');
});

test('a desk without lines says how one is set up', async () => {
  const backend = new FakePhone('', 0);
  backend.phoneLines.none();
  show(backend);
  expect(await screen.findByText('No line has been set up here yet')).toBeTruthy();
  await fireEvent.click(screen.getByTestId('lines-add'));
  expect(await screen.findByRole('radiogroup')).toBeTruthy();
});

test('lines that cannot be read are read when that is tried again', async () => {
  const backend = new FakePhone('', 0);
  const refused = vi.spyOn(backend, 'lines').mockRejectedValue({ code: 'profile', message: 'The list is locked.' });
  show(backend);
  expect((await screen.findByTestId('lines-refusal')).textContent).toBe('The list is locked.');
  refused.mockRestore();
  await fireEvent.click(screen.getByTestId('lines-retry'));
  expect(await screen.findAllByTestId('line-card')).toHaveLength(2);
  expect(screen.queryByTestId('lines-refusal')).toBeNull();
});

test('what is broken is shown on the way, mended after a yes, and checked again', async () => {
  show(new FakePhone('', 0));
  const [, broken] = await screen.findAllByTestId('line-check');
  if (!broken) throw new Error('two lines');
  await fireEvent.click(broken);
  const states = () => screen.getAllByTestId('check-hop').map((hop) => hop.dataset['state']);
  expect(await screen.findByTestId('finding')).toBeTruthy();
  expect(states()).toEqual(['works', 'works', 'works', 'broken', 'not_reached', 'not_reached']);
  await fireEvent.click(screen.getByTestId('fix-D10'));
  expect((await screen.findByTestId('fix-dialog')).textContent).toContain('Callers let in: +1 → everybody');
  await fireEvent.click(screen.getByTestId('fix-confirm'));
  expect(await screen.findByText(/No problems found/)).toBeTruthy();
  expect(screen.queryByTestId('finding')).toBeNull();
  await fireEvent.click(screen.getByTestId('lines-back'));
  expect(await screen.findAllByTestId('line-card')).toHaveLength(2);
});

test('what is no longer as it was shown is not done, and is shown anew with the reason', async () => {
  const backend = new FakePhone('', 0);
  const shown = vi.spyOn(backend, 'lineRemoval');
  const ondone = vi.fn();
  const [line] = await backend.lines();
  if (!line) throw new Error('a line');
  const page = render(LineTakeBack, { backend, line, what: 'remove', ondone });
  await screen.findByTestId('takeback-changes');
  backend.phoneLines.changed = true;
  await fireEvent.click(screen.getByTestId('takeback-yes'));
  expect((await screen.findByTestId('takeback-refusal')).textContent).toContain('Something changed');
  await waitFor(() => expect(shown).toHaveBeenCalledTimes(2));
  expect(ondone).not.toHaveBeenCalled();
  await waitFor(() => expect(screen.getByTestId('takeback-yes').getAttribute('aria-disabled')).toBe('false'));
  await fireEvent.click(screen.getByTestId('takeback-yes'));
  await waitFor(() => expect(ondone).toHaveBeenCalled());
  page.unmount();

  show(backend);
  const broken = await screen.findByTestId('line-check');
  await fireEvent.click(broken);
  await fireEvent.click(await screen.findByTestId('fix-D10'));
  backend.phoneLines.changed = true;
  await fireEvent.click(await screen.findByTestId('fix-confirm'));
  expect((await screen.findByTestId('lines-refusal')).textContent).toContain('Something changed');
  expect(screen.getByTestId('fix-D10')).toBeTruthy();
});

test('a refusal is said and the lines stay', async () => {
  const backend = new FakePhone('', 0);
  show(backend);
  const [first] = await screen.findAllByTestId('line-check');
  if (!first) throw new Error('two lines');
  backend.phoneLines.none();
  await fireEvent.click(first);
  expect((await screen.findByTestId('lines-refusal')).textContent).toBe('There is no line “main-line”.');
  expect(screen.getAllByTestId('line-card')).toHaveLength(2);
});

const type = (testid: string, value: string) => fireEvent.input(screen.getByTestId(testid), { target: { value } });

/** From the list to the plan of a line at a provider. */
async function toThePlan(backend: FakePhone, number = '(212) 555-0150') {
  show(backend);
  await fireEvent.click(await screen.findByTestId('lines-add'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  await type('line-name', 'Front desk');
  await type('line-numbers', number);
  await type('line-secret', 'canary-token');
  await fireEvent.click(screen.getByTestId('line-look'));
  await screen.findAllByTestId('line-step');
}

test('a line is added after a yes and is unproven until both test calls passed', async () => {
  const backend = new FakePhone('', 0);
  await toThePlan(backend);
  expect(screen.getByText(/instead of https:..ivr.example.main. Undo/)).toBeTruthy();
  expect(document.body.innerHTML).not.toContain('canary-token');
  expect(backend.phoneLines.cards()).toHaveLength(2);
  await fireEvent.click(screen.getByTestId('plan-yes'));
  expect((await screen.findByTestId('proof')).textContent).toContain('Not proven yet');
  expect(backend.phoneLines.cards()).toHaveLength(3);
  await fireEvent.click(screen.getByTestId('test-in'));
  await type('test-number', '(312) 555-0199');
  await fireEvent.click(screen.getByTestId('test-out'));
  expect((await screen.findByTestId('said-outgoing')).textContent).toContain('Nobody answered');
  await type('test-number', '(312) 555-0142');
  await fireEvent.click(screen.getByTestId('test-out'));
  await screen.findByText(/Proven: calls go both ways/);
  await fireEvent.click(screen.getByTestId('test-done'));
  expect(await screen.findAllByTestId('line-card')).toHaveLength(3);
});

test('what stops half-way says what was done, and the sign-in is asked again', async () => {
  const backend = new FakePhone('', 0);
  await toThePlan(backend);
  backend.phoneLines.refuses = 'credential';
  await fireEvent.click(screen.getByTestId('plan-yes'));
  const said = (await screen.findByTestId('run-refusal')).textContent;
  expect(said).toContain('does not let this key do that');
  expect(said).toContain('Done before that: Trunk, Send calls to LiveKit.');
  const states = () => screen.getAllByTestId('line-step').map((step) => step.dataset['state']);
  expect(states().slice(0, 3)).toEqual(['done', 'done', 'todo']);
  await fireEvent.click(screen.getByTestId('run-again'));
  expect((screen.getByTestId('line-secret') as HTMLInputElement).value).toBe('');
  expect((screen.getByTestId('line-name') as HTMLInputElement).value).toBe('Front desk');
});

test('a name that is taken brings another plan, which needs a yes of its own', async () => {
  const backend = new FakePhone('', 0);
  await toThePlan(backend);
  backend.phoneLines.taken = true;
  await fireEvent.click(screen.getByTestId('plan-yes'));
  expect((await screen.findByTestId('add-refusal')).textContent).toContain('Another name is proposed');
  expect(screen.getByText('front-desk-deskline-ab12.pstn.twilio.com')).toBeTruthy();
  expect(backend.phoneLines.cards()).toHaveLength(2);
  await fireEvent.click(screen.getByTestId('plan-yes'));
  expect(await screen.findByTestId('proof')).toBeTruthy();
});

test('what stands in the way leaves no yes to say, and a wrong field keeps what was typed', async () => {
  const backend = new FakePhone('', 0);
  await toThePlan(backend, '(212) 555-0199');
  expect(screen.getByTestId('plan-problem').textContent).toContain('is not a number of this Twilio account');
  expect(screen.queryByTestId('plan-yes')).toBeNull();
  await fireEvent.click(screen.getByTestId('plan-no'));
  await fireEvent.click(screen.getByTestId('line-look'));
  expect((await screen.findByTestId('add-refusal')).textContent).toContain('The secret is empty');
  expect((screen.getByTestId('line-name') as HTMLInputElement).value).toBe('Front desk');
});

test('what is left of the lines leads to what does it', async () => {
  show(new FakePhone('', 0));
  const left = await screen.findAllByTestId('line-left');
  expect(left.map((one) => one.querySelector('.grow')?.textContent)).toEqual([
    'An emergency address for the numbers: Main line advised',
    'A test call in: Projects line needed',
    'A check without problems: Projects line not checked yet',
  ]);
  expect(screen.getByTestId('lines-left').textContent).toContain('1 of 2');
  expect((await screen.findByTestId('lines-webhook')).querySelector('a')?.getAttribute('href')).toBe('#/settings/connection');
  await fireEvent.click(screen.getByTestId('left-incoming'));
  expect(await screen.findByTestId('test-in')).toBeTruthy();
  await fireEvent.click(screen.getByTestId('lines-back'));
  await fireEvent.click(await screen.findByTestId('left-emergency'));
  expect(await screen.findByTestId('check-summary')).toBeTruthy();
});

test('a space without the API is set up by hand, and the SIP address is pasted', async () => {
  const backend = new FakePhone('', 0);
  backend.phoneLines.withoutApi = true;
  show(backend);
  await fireEvent.click(await screen.findByTestId('lines-add'));
  await fireEvent.click(screen.getByTestId('provider-signalwire'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  await type('line-name', 'Front desk');
  await type('line-numbers', '(212) 555-0150');
  await type('line-space', 'acme');
  await type('line-secret', 'PTcanary');
  await type('line-sip', 'abc123.sip.livekit.cloud');
  await fireEvent.click(screen.getByTestId('line-look'));
  expect((await screen.findByTestId('plan-problem')).textContent).toContain('does not let Deskline');
  expect(screen.queryByTestId('plan-yes')).toBeNull();
  await fireEvent.click(screen.getByTestId('plan-by-hand'));
  expect((await screen.findByTestId('hand-steps')).textContent).toContain('abc123.sip.livekit.cloud');
  await type('hand-host', 'sip:*@acme-front-desk.dapp.signalwire.com');
  await type('hand-password', 'canary-password');
  await fireEvent.click(screen.getByTestId('hand-look'));
  await fireEvent.click(await screen.findByTestId('plan-yes'));
  expect(await screen.findByTestId('proof')).toBeTruthy();
  expect(document.body.innerHTML).not.toContain('anary');
});

test('the steps by hand are shown without signing in', async () => {
  show(new FakePhone('', 0));
  await fireEvent.click(await screen.findByTestId('lines-add'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  await fireEvent.click(screen.getByTestId('line-by-hand'));
  expect((await screen.findByTestId('add-refusal')).textContent).toContain('The line needs a name');
  await type('line-name', 'Front desk');
  await fireEvent.click(screen.getByTestId('line-by-hand'));
  expect((await screen.findByTestId('hand-steps')).children).toHaveLength(3);
  expect(screen.queryByTestId('hand-host')).toBeNull();
  await fireEvent.click(screen.getByTestId('add-back'));
  expect((screen.getByTestId('line-name') as HTMLInputElement).value).toBe('Front desk');
});

test('the provider is looked at too when its sign-in is given, once', async () => {
  show(new FakePhone('', 0));
  const [first] = await screen.findAllByTestId('line-check');
  if (!first) throw new Error('two lines');
  await fireEvent.click(first);
  await screen.findByTestId('check-provider');
  expect((screen.getByTestId('check-account') as HTMLInputElement).value).toContain('AC0');
  await type('check-secret', 'wrong');
  await fireEvent.click(screen.getByTestId('check-look'));
  expect((await screen.findByTestId('finding')).textContent).toContain('Twilio did not accept this sign-in');
  expect((screen.getByTestId('check-secret') as HTMLInputElement).value).toBe('');
});
