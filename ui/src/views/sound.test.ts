/** What is taken down of calls, and a ringtone of one's own: from the press of a button to what the core is asked. */
import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openApp } from '../testing/app';

beforeEach(() => {
  location.hash = '';
});

const app = (scene: string, part = '') => openApp(scene, part);
const press = (id: string) => fireEvent.click(screen.getByTestId(id));

describe('recording', () => {
  test('is begun, paused and ended by buttons, and a lamp says so', async () => {
    await app('live');
    expect(screen.queryByTestId('call-recording')).toBeNull();
    await press('call-record');
    const lamp = await screen.findByTestId('call-recording');
    expect(lamp.textContent).toContain('Recording');
    expect(screen.getByTestId('call-record').getAttribute('aria-pressed')).toBe('true');
    await press('call-record-pause');
    await waitFor(() => expect(screen.getByTestId('call-recording').dataset['state']).toBe('paused'));
    await press('call-record-pause');
    await waitFor(() => expect(screen.getByTestId('call-recording').dataset['state']).toBe('recording'));
    await press('call-record');
    await waitFor(() => expect(screen.queryByTestId('call-recording')).toBeNull());
    expect(await screen.findByText('Recording saved: /profile/recordings/Call.opus')).toBeTruthy();
  });

  test('the lamp is on every screen', async () => {
    await app('recorded');
    await fireEvent.keyDown(document.body, { key: '2', ctrlKey: true });
    expect(await screen.findByTestId('mini-recording')).toBeTruthy();
  });

  test('R begins it, and nothing does where it is not allowed', async () => {
    const fake = await app('live');
    await fireEvent.keyDown(document.body, { key: 'r', code: 'KeyR' });
    await screen.findByTestId('call-recording');
    await fake.soundSet({ ...fake.sound.view.settings, recording: false });
    // What runs can still be ended.
    await press('call-record');
    await waitFor(() => expect(screen.queryByTestId('call-record')).toBeNull());
    await fireEvent.keyDown(document.body, { key: 'r', code: 'KeyR' });
    expect(fake.sound.view.recording).toBeNull();
  });

  test('a refusal is said', async () => {
    const fake = await app('live');
    const message = 'The recording cannot be written in /full. Make room, then try again.';
    vi.spyOn(fake, 'recordingStart').mockRejectedValue({ code: 'recording', message });
    await press('call-record');
    expect(await screen.findByText(message)).toBeTruthy();
  });

  test('is allowed in the settings', async () => {
    const fake = await app('', '#/settings/recording');
    for (const field of ['recording-allow', 'recording-beep', 'instant-replay']) await press(field);
    const { recording, recording_beep, instant_replay } = fake.sound.view.settings;
    expect([recording, recording_beep, instant_replay]).toEqual([false, true, false]);
  });
});

describe('how a call sounds', () => {
  test('is a word, with the figures one press away', async () => {
    const fake = await app('live');
    expect(screen.getByTestId('call-sound').textContent).not.toContain('Good');
    fake.sound.sounds(fake.calls[0]?.id ?? '');
    await waitFor(() => expect(screen.getByTestId('call-sound').textContent).toContain('Good'));
    expect(screen.queryByTestId('call-quality-reason')).toBeNull();
    await press('call-sound');
    const figures = await screen.findByTestId('call-quality');
    expect(figures.textContent).toContain('0.2% of sound lost · jitter 4 ms · to the server and back 86 ms');
    expect(figures.textContent).toContain('You hear Elena Marchetti');
  });

  test('says whose fault it is, and of the worse direction', async () => {
    const fake = await app('sounds-poor');
    const reason = await screen.findByTestId('call-quality-reason');
    expect(screen.getByTestId('call-sound').textContent).toContain('Poor');
    expect(reason.textContent).toBe('The line: some sound is lost on the way.');
    const silent = { word: 'none', reason: 'microphone_silent' } as const;
    fake.sound.sounds(fake.calls[0]?.id ?? '', { word: 'none', heard_there: silent });
    await waitFor(() =>
      expect(screen.getByTestId('call-quality-reason').textContent).toBe(
        'Your side: the microphone delivers nothing.',
      ),
    );
  });

  test('a headset and a quiet room are switches that say what they are worth', async () => {
    const fake = await app('', '#/settings/audio');
    expect((await screen.findByText(/No echo cancellation/)).textContent).toContain('8 ms sooner');
    expect(screen.getByText(/No noise suppression/).textContent).toContain('6 ms sooner');
    expect(screen.getByTestId('sound-added').textContent).toContain('15 ms');
    await press('sound-headset');
    await press('sound-quiet');
    const { echo_cancellation, noise_suppression } = fake.sound.view.settings;
    expect([echo_cancellation, noise_suppression]).toEqual([false, false]);
  });

  test('the microphone is open while it rings for whoever asks for that', async () => {
    const fake = await app('', '#/settings/audio');
    expect(fake.sound.view.settings.ready_while_ringing).toBe(false);
    await press('sound-ready');
    expect(fake.sound.view.settings.ready_while_ringing).toBe(true);
  });
});

describe('the last minute', () => {
  test('is heard again in the call, and stopped', async () => {
    const fake = await app('recorded');
    const start = vi.spyOn(fake.sound, 'replay').mockImplementation(() => undefined);
    await press('replay-start');
    expect(start).toHaveBeenCalledWith(15);
    start.mockRestore();
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never);
    fake.sound.replay(30);
    vi.restoreAllMocks();
    await fireEvent.click(await screen.findByTestId('replay-stop'));
    await screen.findByTestId('replay-start');
    expect(fake.sound.view.replay?.playing).toBe(false);
  });

  test('is not there while nothing is kept or it is switched off', async () => {
    const fake = await app('live');
    expect(screen.queryByTestId('replay')).toBeNull();
    fake.sound.keep(15);
    await screen.findByTestId('replay');
    expect(screen.queryByTestId('replay-more')).toBeNull();
    await fake.soundSet({ ...fake.sound.view.settings, instant_replay: false });
    await waitFor(() => expect(screen.queryByTestId('replay')).toBeNull());
  });

  test('is offered a while after the call', async () => {
    const fake = await app('talked');
    await screen.findByTestId('ended-card');
    await press('replay-start');
    fake.sound.keep(null);
    await waitFor(() => expect(screen.queryByTestId('replay')).toBeNull());
  });
});

describe('a ringtone of one’s own', () => {
  const choose = (name: string, size = 4) => {
    const file = new File([new Uint8Array(4)], name);
    Object.defineProperty(file, 'size', { value: size });
    // The test page cannot read files.
    file.arrayBuffer = () => Promise.resolve(new ArrayBuffer(4));
    const input = screen.getByTestId('own-ringtone-file');
    Object.defineProperty(input, 'files', { value: [file], configurable: true });
    return fireEvent.change(input);
  };
  const offered = () => [...screen.getByTestId<HTMLSelectElement>('ringtone').options].map((one) => one.text);

  test('is taken from a file, rings, and can be removed', async () => {
    const fake = await app('', '#/settings/ringing');
    await screen.findByTestId('own-ringtone-choose');
    expect(offered()).not.toContain('Your own file');
    await choose('Glockenspiel.mp3');
    await waitFor(() => expect(offered()).toContain('Glockenspiel.mp3'));
    expect(fake.sound.view.settings.ringtone).toBe('own');
    await press('own-ringtone-remove');
    await waitFor(() => expect(offered()).not.toContain('Glockenspiel.mp3'));
    expect(fake.sound.view.settings.ringtone).toBe('bars');
  });

  test('what is no sound, or too large, is refused with a sentence', async () => {
    const fake = await app('', '#/settings/ringing');
    await screen.findByTestId('own-ringtone-choose');
    await choose('letter.txt');
    expect((await screen.findByTestId('own-ringtone-refused')).textContent).toContain('not a sound file');
    const read = vi.spyOn(fake, 'ringtoneImport');
    await choose('symphony.wav', 16 * 1024 * 1024 + 1);
    await waitFor(() =>
      expect(screen.getByTestId('own-ringtone-refused').textContent).toContain('larger than 16 MB'),
    );
    expect(read).not.toHaveBeenCalled();
  });
});
