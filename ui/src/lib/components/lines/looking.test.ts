import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import LinesView from '../../../views/LinesView.svelte';

const copied: string[] = [];

beforeEach(() => {
  copied.length = 0;
  vi.stubGlobal('navigator', { ...navigator, language: 'en-US', languages: ['en-US'], clipboard: { writeText: async (text: string) => void copied.push(text) } });
});
afterEach(() => {
  cleanup();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** Menus open in the main part of the window. */
const show = (backend: FakePhone) =>
  render(LinesView, { target: document.body.appendChild(document.createElement('main')), props: { backend, oncopy: vi.fn() } });
const type = (testid: string, value: string) => fireEvent.input(screen.getByTestId(testid), { target: { value } });

async function costs(backend = new FakePhone('', 0)): Promise<FakePhone> {
  show(backend);
  await fireEvent.click(await screen.findByTestId('lines-costs'));
  await screen.findAllByTestId('costs-line');
  return backend;
}

test('the month is said to be an estimate, and at least that much while a rate is missing', async () => {
  await costs();
  expect(screen.getByText(/The provider’s bill is what counts/)).toBeTruthy();
  const [main, projects] = screen.getAllByTestId('costs-line');
  expect(main?.textContent).toContain('412 minutes in');
  expect(main?.textContent).toContain('$6.73');
  expect(projects?.textContent).toContain('rate not known');
  expect(screen.getByTestId('costs-total').textContent).toContain('at least $6.73');
  expect(screen.getByTestId('costs-elsewhere').textContent).toContain('7 minutes');
});

test('rates are kept after a press, and what is no amount is said beside them and stays', async () => {
  await costs();
  const projects = () => screen.getAllByTestId('costs-line')[1] as HTMLElement;
  await fireEvent.click(within(projects()).getByTestId('costs-edit'));
  await type('rate-number', '$1');
  await fireEvent.click(screen.getByTestId('rates-save'));
  expect((await screen.findByTestId('rates-refusal')).textContent).toContain('“$1” is not an amount');
  expect((screen.getByTestId('rate-number') as HTMLInputElement).value).toBe('$1');
  for (const [field, text] of [
    ['rate-number', '1,00'],
    ['rate-in', '0'],
    ['rate-out', '0.01'],
    ['rate-livekit', '0'],
  ] as const)
    await type(field, text);
  await fireEvent.click(screen.getByTestId('rates-save'));
  await vi.waitFor(() => expect(projects().textContent).toContain('$1.18'));
  expect(screen.getByTestId('costs-total').textContent).toBe('$7.91');
});

test('months before are one press away, and none that has not begun', async () => {
  await costs();
  const month = () => screen.getByTestId('costs-month').textContent;
  const present = month();
  expect(screen.getByTestId('costs-next').getAttribute('aria-disabled')).toBe('true');
  await fireEvent.click(screen.getByTestId('costs-previous'));
  await vi.waitFor(() => expect(month()).not.toBe(present));
  expect(screen.getByTestId('costs-next').getAttribute('aria-disabled')).toBe('false');
  await fireEvent.click(screen.getByTestId('costs-next'));
  await vi.waitFor(() => expect(month()).toBe(present));
  await fireEvent.click(screen.getByTestId('lines-back'));
  expect((await screen.findByTestId('costs-card')).textContent).toContain('at least');
});

async function sheet(backend: FakePhone): Promise<void> {
  show(backend);
  const [menu] = await screen.findAllByTestId('line-menu');
  if (!menu) throw new Error('two lines');
  await fireEvent.keyDown(menu, { key: 'Enter' });
  await fireEvent.click(await screen.findByText('Line sheet'));
  await screen.findByTestId('line-sheet');
}

test('every row of the sheet can be copied, and the password without being shown', async () => {
  const backend = new FakePhone('', 0);
  await sheet(backend);
  await fireEvent.click(screen.getByLabelText('Copy: Address for calling out'));
  expect(copied).toEqual(['main-line-deskline.pstn.twilio.com']);
  expect(await screen.findByText('Address for calling out copied')).toBeTruthy();
  await fireEvent.click(screen.getByLabelText('Copy: Password'));
  expect(backend.phoneLines.copied).toEqual(['main-line']);
  expect(copied).toHaveLength(1);
  expect(screen.getByTestId('line-sheet').textContent).toMatch(/Answered calls in\s*14/);
});

test('a page of the provider is opened by the core, by its name', async () => {
  const backend = new FakePhone('', 0);
  await sheet(backend);
  await fireEvent.click(screen.getByTestId('page-log'));
  expect(backend.phoneLines.opened).toEqual(['main-line log']);
  expect(document.body.innerHTML).not.toContain('https://');
});

test('every page that is offered is opened by its own word', async () => {
  const backend = new FakePhone('', 0);
  await sheet(backend);
  const { pages } = await backend.lineSheet('main-line');
  for (const page of pages) await fireEvent.click(screen.getByTestId(`page-${page}`));
  expect(backend.phoneLines.opened).toEqual(pages.map((page) => `main-line ${page}`));
});

test('a page that the core does not know is said and the sheet stays', async () => {
  const backend = new FakePhone('', 0);
  await sheet(backend);
  (backend as { linePageOpen: unknown }).linePageOpen = () => Promise.reject({ code: 'no_such_page', message: 'Deskline does not know that page.' });
  await fireEvent.click(screen.getByTestId('page-log'));
  expect((await screen.findByTestId('sheet-refusal')).textContent).toContain('does not know that page');
});

test('the report of a check is copied by the core, and that is said', async () => {
  const backend = new FakePhone('', 0);
  show(backend);
  await fireEvent.click((await screen.findAllByTestId('line-check'))[1] as HTMLElement);
  await fireEvent.click(await screen.findByTestId('lines-report'));
  await vi.waitFor(() => expect(screen.getByTestId('lines-reported').textContent).toBe('Report copied'));
  expect(backend.phoneLines.reported).toEqual(['projects-line']);
  expect(copied).toEqual([]);
  backend.phoneLines.reportCopy = () => {
    throw Object.assign(new Error(), { code: 'clipboard', message: 'Nothing could be copied.' });
  };
  await fireEvent.click(screen.getByTestId('lines-report'));
  expect((await screen.findByTestId('lines-refusal')).textContent).toContain('Nothing could be copied');
  expect(screen.getByTestId('lines-reported').textContent).toBe('');
  expect(screen.getByTestId('check-summary').textContent).toContain('Problems: 1.');
});

test('what cannot be copied is said and the sheet stays', async () => {
  const backend = new FakePhone('', 0);
  backend.phoneLines.passwordCopy = () => {
    throw Object.assign(new Error(), { code: 'clipboard', message: 'Nothing could be copied.' });
  };
  await sheet(backend);
  await fireEvent.click(screen.getByLabelText('Copy: Password'));
  expect((await screen.findByTestId('sheet-refusal')).textContent).toContain('Nothing could be copied');
  expect(screen.getByTestId('line-sheet')).toBeTruthy();
});

test('everything in the project is listed, with whose it is', async () => {
  show(new FakePhone('', 0));
  await fireEvent.click(await screen.findByTestId('lines-project'));
  const objects = await screen.findAllByTestId('project-object');
  expect(objects).toHaveLength(5);
  expect(objects[0]?.textContent).toContain('of the line main-line');
  expect(objects[4]?.textContent).toContain('not made by Deskline');
  expect(screen.getAllByRole('heading', { level: 2 }).map((one) => one.textContent)).toEqual([
    'Trunks for calls out',
    'Trunks for calls in',
    'Dispatch rules',
  ]);
});

test('numbers are chosen from the account; one without voice cannot be', async () => {
  const backend = new FakePhone('', 0);
  show(backend);
  await fireEvent.click(await screen.findByTestId('lines-add'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  await fireEvent.click(screen.getByTestId('numbers-look'));
  expect((await screen.findByTestId('numbers-refusal')).textContent).toContain('The secret is empty');
  await type('line-secret', 'canary-token');
  await type('line-numbers', '(212) 555-0150');
  await fireEvent.click(screen.getByTestId('numbers-look'));
  const box = (number: string) => screen.getByTestId(`number-${number}`) as HTMLInputElement;
  await screen.findByTestId('number-+16465550120');
  expect(box('+16465550122').disabled).toBe(true);
  await fireEvent.click(box('+16465550120'));
  const field = screen.getByTestId('line-numbers') as HTMLTextAreaElement;
  expect(field.value).toBe('(212) 555-0150\n(646) 555-0120');
  await fireEvent.click(box('+16465550120'));
  expect(field.value).toBe('(212) 555-0150');
  // A provider whose account nobody looks into offers nothing to choose from.
  await fireEvent.click(screen.getByTestId('add-back'));
  await fireEvent.click(screen.getByTestId('provider-other'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  expect(screen.queryByTestId('numbers-look')).toBeNull();
});

test('all lines are checked with one press', async () => {
  const backend = new FakePhone('', 0);
  const checked: string[] = [];
  const check = backend.lineCheck.bind(backend);
  backend.lineCheck = (line, signIn) => {
    checked.push(line);
    return check(line, signIn);
  };
  show(backend);
  await fireEvent.click(await screen.findByTestId('lines-check-all'));
  await vi.waitFor(() => expect(checked).toEqual(['main-line', 'projects-line']));
});
