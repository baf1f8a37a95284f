/** The sound of the fake phone: the same picture and the same refusals as the core's, without any device. */
import type { IpcError, LevelsView, RingtoneSetting, SoundBanner, SoundDevice, SoundSettings, SoundView } from './bindings';

const device = (id: string, name: string, preferred = false): SoundDevice => ({ id, name, preferred });

const MICROPHONES = [device('usb', 'USB headset', true), device('built-in', 'Built-in microphone')];
const SPEAKERS = [device('usb', 'USB headset', true), device('built-in', 'Built-in speaker')];

/** How long the fake listens and plays, in steps of the phone. */
const TEST_STEPS = 4;

const SETTINGS: SoundSettings = {
  microphone: null,
  speaker: null,
  ring_device: null,
  ring_volume: 100,
  ringtone: 'bars',
  tones: null,
  echo_cancellation: true,
  noise_suppression: true,
  gain: true,
  recording_beep: false,
};

function delay(settings: SoundSettings): number {
  const { echo_cancellation: echo, noise_suppression: noise } = settings;
  return (echo ? 8 : 0) + (noise ? 6 : 0) + (echo || noise ? 1 : 0);
}

export class FakeSound {
  #view: SoundView = {
    settings: SETTINGS,
    microphones: MICROPHONES,
    speakers: SPEAKERS,
    microphone_open: null,
    speaker_open: null,
    ring_open: null,
    banners: [],
    ringtones: [
      { id: 'bars', name: 'Wooden bars' },
      { id: 'bells', name: 'Deep bells' },
      { id: 'trill', name: 'Desk telephone' },
      { id: 'drops', name: 'Glass drops' },
      { id: 'own', name: 'Your own file' },
    ],
    tones: [
      { id: 'north_america', name: 'North America' },
      { id: 'united_kingdom', name: 'United Kingdom' },
      { id: 'europe', name: 'Europe' },
      { id: 'australia', name: 'Australia' },
      { id: 'japan', name: 'Japan' },
    ],
    tones_of_country: 'north_america',
    processing: [
      {
        id: 'echo_cancellation',
        name: 'Echo cancellation',
        words:
          'Keeps the far end from hearing itself when you use speakers. With a headset you can switch it off: your voice arrives 8 ms earlier.',
        delay_ms: 9,
      },
      {
        id: 'noise_suppression',
        name: 'Noise suppression',
        words:
          'Softens fans, keyboards and the street. In a quiet room you can switch it off: your voice arrives 6 ms earlier.',
        delay_ms: 7,
      },
      { id: 'gain', name: 'Automatic gain', words: 'Keeps your voice equally loud. It costs no time.', delay_ms: 0 },
    ],
    processing_delay_ms: delay(SETTINGS),
    echo_test: 'idle',
    own_ringtone: null,
    recording: null,
    recordings_folder: '/profile/recordings',
  };
  #test = 0;
  readonly #stepMs: number;
  readonly #inCall: () => boolean;
  readonly #listeners = new Set<(view: SoundView) => void>();
  readonly #meters = new Set<(levels: LevelsView) => void>();

  constructor(stepMs: number, inCall: () => boolean) {
    this.#stepMs = stepMs;
    this.#inCall = inCall;
  }

  get view(): SoundView {
    return this.#view;
  }

  set(settings: SoundSettings): SoundView {
    if (settings.ring_volume > 100)
      throw { code: 'bad_setting', message: 'The ring can be 0 to 100 loud.' } satisfies IpcError;
    this.#change({ settings, processing_delay_ms: delay(settings) });
    return this.#view;
  }

  async test(on: boolean): Promise<void> {
    this.#test += 1;
    const mine = this.#test;
    if (!on) return this.#change({ echo_test: 'idle', microphone_open: null, speaker_open: null });
    this.#nobodyCalls('test the sound');
    this.#change({ echo_test: 'listening', microphone_open: 'USB headset', speaker_open: 'USB headset' });
    void this.#runTest(mine);
  }

  ring(_ringtone: RingtoneSetting): void {
    this.#nobodyCalls('try a ringtone');
  }

  /** The fake knows a sound file by its ending. */
  ringtoneImport(name: string, bytes: Uint8Array): SoundView {
    if (bytes.length > 16 << 20)
      throw {
        code: 'bad_ringtone',
        message: 'This file is larger than 16 MB. Choose a shorter one: half a minute is enough.',
      } satisfies IpcError;
    if (!/\.(wav|flac|mp3|ogg)$/i.test(name))
      throw {
        code: 'bad_ringtone',
        message: 'This is not a sound file that Deskline can play. Choose a WAV, FLAC, MP3 or OGG file.',
      } satisfies IpcError;
    this.#change({ own_ringtone: name, settings: { ...this.#view.settings, ringtone: 'own' } });
    return this.#view;
  }

  ringtoneRemove(): SoundView {
    const { ringtone } = this.#view.settings;
    const settings = { ...this.#view.settings, ringtone: ringtone === 'own' ? ('bars' as const) : ringtone };
    this.#change({ own_ringtone: null, settings });
    return this.#view;
  }

  record(call: string, live: boolean): void {
    if (!live)
      throw {
        code: 'recording',
        message: 'Only a call that was answered can be recorded. Wait until somebody answers.',
      } satisfies IpcError;
    this.#change({ recording: { call, state: 'recording', path: '/profile/recordings/Call.opus' } });
  }

  pauseRecording(call: string, paused: boolean): void {
    const recording = this.#view.recording;
    if (recording?.call !== call)
      throw { code: 'recording', message: 'This call is not recorded.' } satisfies IpcError;
    this.#change({ recording: { ...recording, state: paused ? 'paused' : 'recording' } });
  }

  endRecording(call: string): void {
    if (this.#view.recording?.call === call) this.#change({ recording: null });
  }

  subscribe(listener: (view: SoundView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  levels(listener: (levels: LevelsView) => void): () => void {
    this.#meters.add(listener);
    listener({ microphone: 0, speaker: 0 });
    return () => void this.#meters.delete(listener);
  }

  // ---- The world around

  /** Somebody speaks, or the far end does. */
  hear(levels: LevelsView): void {
    for (const listener of this.#meters) listener(levels);
  }

  say(banner: SoundBanner): void {
    this.#change({ banners: [...this.#view.banners.filter(({ kind }) => kind !== banner.kind), banner] });
  }

  unplug(): void {
    this.#change({ microphones: [], speakers: [] });
  }

  // ---- Inside

  #nobodyCalls(what: string): void {
    if (this.#inCall())
      throw { code: 'in_call', message: `A call uses the sound now. Finish it, then ${what}.` } satisfies IpcError;
  }

  async #runTest(mine: number): Promise<void> {
    for (const stage of ['playing', 'idle'] as const) {
      for (let step = 0; step < TEST_STEPS; step += 1) {
        await new Promise((resolve) => setTimeout(resolve, this.#stepMs));
        if (this.#test !== mine) return;
        this.hear({ microphone: 50 + 5 * step, speaker: 40 });
      }
      const closed = stage === 'idle' ? { microphone_open: null, speaker_open: null } : {};
      this.#change({ echo_test: stage, ...closed });
    }
  }

  #change(change: Partial<SoundView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener(this.#view);
  }
}
