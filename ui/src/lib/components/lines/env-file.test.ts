import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import axe from 'axe-core';
import { afterEach, expect, test, vi } from 'vitest';
import { FakePhone } from '../../backend/fake';
import ConnectionForm from '../settings/ConnectionForm.svelte';
import ConnectStep from '../settings/ConnectStep.svelte';
import LinesView from '../../../views/LinesView.svelte';
import { aLine } from '../../../testing/views';

afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});

const FILE = [
  '# the web phone',
  'LIVEKIT_URL=wss://front-desk.example',
  'LIVEKIT_API_KEY=key',
  'LIVEKIT_API_SECRET=canary1',
  'TWILIO_ACCOUNT_SID=AC1',
  "export TWILIO_AUTH_TOKEN='canary2'",
  'TWILIO_PHONE_NUMBER=+16465550120',
  'LIVEKIT_SIP_URI=abc123.sip.livekit.cloud',
  'FOO=canary3',
  'SUPABASE_SERVICE_ROLE_KEY=canary4',
].join('\r\n');

/** The page holds no secret of the file, neither as text nor in a field. */
function noCanary() {
  const fields = [...document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea')].map(({ value }) => value);
  expect(`${document.body.innerHTML} ${fields.join(' ')}`).not.toContain('canary');
}
const paste = async (text: string) => {
  await fireEvent.input(await screen.findByTestId('env-text'), { target: { value: text } });
  await fireEvent.click(screen.getByTestId('env-read'));
};
const texts = (id: string) => screen.queryAllByTestId(id).map(({ textContent }) => textContent);
/** The test page has files, but they cannot be read. */
const aFile = (content: string | Uint8Array<ArrayBuffer>, name = '.env') =>
  Object.assign(new File([content], name), {
    arrayBuffer: async () => (typeof content === 'string' ? new TextEncoder().encode(content) : content).buffer,
  });

async function ofALine(backend = new FakePhone('', 0)): Promise<FakePhone> {
  render(LinesView, { target: document.body.appendChild(document.createElement('main')), props: { backend, oncopy: vi.fn() } });
  await fireEvent.click(await screen.findByTestId('lines-add'));
  await fireEvent.click(screen.getByTestId('provider-env'));
  await screen.findByTestId('env-text');
  return backend;
}

test('a pasted file says what is taken, what not and why, and what is refused, without a secret', async () => {
  await ofALine();
  await paste(FILE);
  await screen.findByTestId('env-view');
  expect(texts('env-taken')).toEqual([
    expect.stringContaining('TWILIO_ACCOUNT_SID'),
    expect.stringContaining('TWILIO_AUTH_TOKEN'),
    expect.stringContaining('TWILIO_PHONE_NUMBER'),
    expect.stringContaining('LIVEKIT_SIP_URI'),
  ]);
  expect(texts('env-taken')[1]).toContain('secret, not shown');
  expect(texts('env-left')).toContainEqual(expect.stringMatching(/FOO\s*Deskline has no use for it/));
  expect(texts('env-refused')).toEqual([expect.stringContaining('SUPABASE_SERVICE_ROLE_KEY was refused: a service-role key')]);
  noCanary();
  expect(document.activeElement?.textContent).toContain('The pasted text');
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, 'target-size': { enabled: false } } });
  expect(violations.map(({ id }) => id)).toEqual([]);
});

test('what was taken fills the form in, and the secret waits in the core for the plan', async () => {
  const backend = await ofALine();
  const planned = vi.spyOn(backend, 'linePlan');
  await paste(FILE);
  await fireEvent.click(await screen.findByTestId('env-use'));
  const field = (id: string) => screen.getByTestId<HTMLInputElement>(id);
  expect(['line-account', 'line-secret', 'line-numbers', 'line-sip'].map((id) => field(id).value)).toEqual([
    'AC1',
    '',
    '+16465550120',
    'abc123.sip.livekit.cloud',
  ]);
  expect(field('line-secret').placeholder).toBe('From the .env file');
  expect(screen.getByTestId('line-env').textContent).toContain('forgotten');
  // Another account is not that of the file: its secret is not offered for it.
  await fireEvent.input(field('line-account'), { target: { value: 'AC2' } });
  expect(field('line-secret').placeholder).toBe('');
  await fireEvent.input(field('line-account'), { target: { value: 'AC1' } });
  await fireEvent.input(field('line-name'), { target: { value: 'Front desk' } });
  await fireEvent.click(screen.getByTestId('line-look'));
  await screen.findByTestId('plan-yes');
  expect(planned.mock.calls[0]?.[0].sign_in).toEqual({ account: 'AC1', key: '', secret: '' });
  noCanary();
});

test('leaving forgets the file', async () => {
  const backend = await ofALine();
  await paste(FILE);
  await fireEvent.click(await screen.findByTestId('env-use'));
  await fireEvent.click(screen.getByTestId('add-back'));
  await fireEvent.click(screen.getByTestId('add-back'));
  await vi.waitFor(() => expect(backend.envFile.completed('twilio', { account: 'AC1', key: '', secret: '' }).secret).toBe(''));
});

test('another provider of the same file brings its own sign-in', async () => {
  await ofALine();
  await paste(`${FILE}\nTELNYX_API_KEY=canary5`);
  await fireEvent.click(await screen.findByTestId('env-use'));
  await fireEvent.click(screen.getByTestId('add-back'));
  await fireEvent.click(screen.getByTestId('provider-telnyx'));
  await fireEvent.click(screen.getByTestId('provider-continue'));
  expect(screen.getByTestId<HTMLInputElement>('line-secret').placeholder).toBe('From the .env file');
});

test.each<[string, string | Uint8Array<ArrayBuffer>, RegExp]>([
  ['a picture', new Uint8Array([0x89, 0x50, 0, 0xff]), /not text in UTF-8/],
  ['notes', '# Notes\nCall the desk.', /its lines are not NAME=value/],
  ['nothing for a line', 'FOO=1\n', /Nothing in it is for a line/],
  ['an empty one', '', /Nothing in it is for a line/],
])('a file that is wrong is told: %s', async (_, content, why) => {
  await ofALine();
  await fireEvent.change(screen.getByTestId('env-file'), { target: { files: [aFile(content)] } });
  await vi.waitFor(() => expect(screen.getByTestId('env-refusal').textContent).toMatch(why));
  expect(screen.queryByTestId('env-use')).toBeNull();
});

test('pasted text that was refused is still there to be mended', async () => {
  await ofALine();
  await paste('Call the desk.');
  expect((await screen.findByTestId('env-refusal')).textContent).toContain('not NAME=value');
  expect(screen.getByTestId<HTMLTextAreaElement>('env-text').value).toBe('Call the desk.');
});

test('what is too large is not even read, and several files are not guessed at', async () => {
  const backend = await ofALine();
  const read = vi.spyOn(backend, 'envRead');
  await fireEvent.change(screen.getByTestId('env-file'), { target: { files: [aFile('A'.repeat(256 * 1024 + 1))] } });
  expect(screen.getByTestId('env-refusal').textContent).toContain('larger than 256 KB');
  await fireEvent.drop(screen.getByTestId('env-drop'), { dataTransfer: { files: [aFile('A=1'), aFile('B=1')] } });
  expect(screen.getByTestId('env-refusal').textContent).toContain('Drop one');
  await fireEvent.click(screen.getByTestId('env-read'));
  expect(screen.getByTestId('env-refusal').textContent).toContain('nothing to read yet');
  expect(read).not.toHaveBeenCalled();
});

test('a dropped file is read like a chosen one, and another can be taken', async () => {
  await ofALine();
  await fireEvent.drop(screen.getByTestId('env-drop'), { dataTransfer: { files: [aFile(`${FILE}\nTWILIO_ACCOUNT_SID=AC9`, 'desk.env')] } });
  expect((await screen.findByTestId('env-view')).textContent).toContain('desk.env');
  expect(texts('env-taken')[0]).toContain('instead of an earlier TWILIO_ACCOUNT_SID: the last one counts');
  await fireEvent.click(screen.getByTestId('env-again'));
  await vi.waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('env-text')));
});

test('the first run shows what a file has before it signs in with it', async () => {
  const backend = new FakePhone('first-run', 0);
  const signedIn = vi.spyOn(backend, 'accountSet');
  const onconnected = vi.fn();
  render(ConnectStep, { backend, formId: 'f', onconnected });
  await fireEvent.click(await screen.findByTestId('first-paste'));
  await fireEvent.input(screen.getByTestId('env-text'), { target: { value: FILE } });
  const form = document.getElementById('f') as HTMLFormElement;
  await fireEvent.submit(form);
  await screen.findByTestId('env-view');
  expect(texts('env-taken')).toHaveLength(3);
  expect(signedIn).not.toHaveBeenCalled();
  noCanary();
  await fireEvent.submit(form);
  await vi.waitFor(() => expect(onconnected).toHaveBeenCalled());
  expect(signedIn).toHaveBeenCalledWith('wss://front-desk.example', 'key', 'canary1');
});

test('settings sign in with a file; one without the secret says so', async () => {
  const backend = new FakePhone('', 0);
  render(ConnectionForm, { backend, line: aLine(), onretry: async () => true });
  await fireEvent.click(await screen.findByTestId('account-env-open'));
  await paste('LIVEKIT_URL=wss://new.example\nLIVEKIT_API_KEY=key');
  expect((await screen.findByTestId('env-refusal')).textContent).toContain('There is no LIVEKIT_API_SECRET');
  expect(screen.queryByTestId('account-env-use')).toBeNull();
  await fireEvent.click(screen.getByTestId('env-again'));
  await paste('LIVEKIT_URL=wss://new.example\nLIVEKIT_API_KEY=key\nLIVEKIT_API_SECRET=canary1');
  await fireEvent.click(await screen.findByTestId('account-env-use'));
  expect((await screen.findByTestId<HTMLInputElement>('account-url')).value).toBe('wss://new.example');
  noCanary();
});
