import { fireEvent, render, screen } from '@testing-library/svelte';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { aLine } from '../../../testing/views';
import type { AccountView, Backend } from '../../backend/backend';
import AudioDevices from './AudioDevices.svelte';
import ConnectionForm from './ConnectionForm.svelte';

beforeAll(() => {
  // The test page has dialogs but cannot open them.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const stored: AccountView = {
  url: 'wss://old.example',
  key: 'oldkey',
  has_secret: true,
  keychain: 'ready',
  words: 'The secret is in the keychain.',
};

async function form(account: AccountView, parts: Partial<Backend> = {}) {
  const onretry = vi.fn(async () => true);
  const backend = { accountShow: async () => account, ...parts } as unknown as Backend;
  render(ConnectionForm, { backend, line: aLine(), onretry });
  const field = async (id: string) => await screen.findByTestId<HTMLInputElement>(id);
  return {
    onretry,
    url: await field('account-url'),
    key: await field('account-key'),
    secret: await field('account-secret'),
  };
}

test('shows what is stored, but of the secret only that there is one', async () => {
  const { url, key, secret } = await form(stored);
  expect([url.value, key.value, secret.value, secret.type]).toEqual(['wss://old.example', 'oldkey', '', 'password']);
  expect(screen.getByTestId('account-secret-hint').textContent).toContain('A secret is stored.');
  expect(screen.getByTestId('account-words').textContent).toBe('The secret is in the keychain.');
});

describe('Sign in', () => {
  test('sends all three, and the secret leaves the window', async () => {
    const accountSet = vi.fn(async (newUrl: string, newKey: string) => ({ ...stored, url: newUrl, key: newKey }));
    const { url, key, secret } = await form(stored, { accountSet });
    await fireEvent.input(url, { target: { value: ' wss://new.example ' } });
    await fireEvent.input(key, { target: { value: 'newkey' } });
    await fireEvent.input(secret, { target: { value: ' s3cret ' } });
    await fireEvent.click(screen.getByTestId('account-save'));
    expect(accountSet).toHaveBeenCalledWith('wss://new.example', 'newkey', ' s3cret ');
    await vi.waitFor(() => expect(secret.value).toBe(''));
    expect(url.value).toBe('wss://new.example');
  });

  test('with an empty secret keeps the stored one', async () => {
    const accountSet = vi.fn(async () => stored);
    await form(stored, { accountSet });
    await fireEvent.click(screen.getByTestId('account-save'));
    expect(accountSet).toHaveBeenCalledWith('wss://old.example', 'oldkey', null);
  });

  test('refused says why and keeps what was typed', async () => {
    const accountSet = async () => {
      throw { code: 'bad_url', message: 'The address starts with wss://.' };
    };
    const { url, secret } = await form(stored, { accountSet });
    await fireEvent.input(url, { target: { value: 'new.example' } });
    await fireEvent.input(secret, { target: { value: 's3cret' } });
    await fireEvent.click(screen.getByTestId('account-save'));
    expect((await screen.findByTestId('account-refusal')).textContent).toBe('The address starts with wss://.');
    expect([url.value, secret.value]).toEqual(['new.example', 's3cret']);
  });
});

describe('Forget', () => {
  test('asks first; staying changes nothing', async () => {
    const accountForget = vi.fn(async () => stored);
    await form(stored, { accountForget });
    await fireEvent.click(screen.getByTestId('account-forget'));
    await fireEvent.click(screen.getByTestId('account-forget-cancel'));
    expect(screen.queryByTestId('account-forget-dialog')).toBeNull();
    expect(accountForget).not.toHaveBeenCalled();
  });

  test('confirmed empties the form', async () => {
    const empty: AccountView = {
      url: '',
      key: '',
      has_secret: false,
      keychain: 'ready',
      words: 'No secret is stored.',
    };
    const { url } = await form(stored, { accountForget: async () => empty });
    await fireEvent.click(screen.getByTestId('account-forget'));
    await fireEvent.click(screen.getByTestId('account-forget-confirm'));
    await vi.waitFor(() => expect(url.value).toBe(''));
    expect(screen.queryByTestId('account-forget')).toBeNull();
  });
});

test('a locked keychain is said in words and can be tried again', async () => {
  let account: AccountView = { ...stored, keychain: 'locked', words: 'The keychain is locked.' };
  const { onretry } = await form(stored, { accountShow: async () => account });
  expect(screen.getByTestId('account-words').textContent).toBe('The keychain is locked.');
  account = stored;
  await fireEvent.click(screen.getByTestId('account-retry'));
  expect(onretry).toHaveBeenCalledOnce();
  await vi.waitFor(() =>
    expect(screen.getByTestId('account-words').textContent).toBe('The secret is in the keychain.'),
  );
});

test('the devices in use are named, and follow a change', async () => {
  let changed: () => void = () => undefined;
  let devices = {
    microphone: 'USB headset' as string | null,
    speaker: 'USB headset',
    microphones: ['USB headset', 'Built-in'],
    speakers: ['USB headset'],
    words: null as string | null,
  };
  render(AudioDevices, {
    backend: {
      devices: async () => devices,
      onDevicesChanged: async (listener: () => void) => {
        changed = listener;
        return () => undefined;
      },
    } as unknown as Backend,
  });
  expect((await screen.findByTestId('devices-microphone')).textContent).toBe('USB headset');
  expect(screen.getByText('Also connected: Built-in')).toBeTruthy();
  devices = { ...devices, microphone: null, microphones: [], words: 'No microphone was found.' };
  changed();
  expect((await screen.findByTestId('devices-words')).textContent).toContain('No microphone was found.');
  expect(screen.getByTestId('devices-microphone').textContent).toBe('No microphone found');
});
