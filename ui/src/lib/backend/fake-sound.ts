/** The sound and the watchers of the fake phone: a headset, and a microphone that hears a voice. */
import type { EchoTestState, HistoryRow, LevelsView, QualityView, RecordingOutline, SoundSettings, SoundView, WatchersDraft, WatchersView } from './backend';
import type { DevicesView } from './bindings';

export const SOUND: SoundView = {
  settings: {
    microphone: null,
    speaker: null,
    ring_device: { id: 'desk', name: 'Desk speakers' },
    ring_volume: 35,
    ringtone: 'bells',
    tones: null,
    echo_cancellation: true,
    noise_suppression: true,
    gain: true,
    ready_while_ringing: false,
    recording: true,
    recording_beep: false,
    instant_replay: true,
  },
  microphones: [
    { id: 'usb', name: 'USB headset', preferred: true },
    { id: 'built-in', name: 'Built-in microphone', preferred: false },
  ],
  speakers: [
    { id: 'usb', name: 'USB headset', preferred: true },
    { id: 'desk', name: 'Desk speakers', preferred: false },
  ],
  microphone_open: null,
  speaker_open: null,
  ring_open: null,
  banners: [],
  ringtones: [
    { id: 'bars', name: 'Bars' },
    { id: 'bells', name: 'Bells' },
    { id: 'trill', name: 'Trill' },
    { id: 'drops', name: 'Drops' },
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
    { id: 'echo_cancellation', delay_ms: 8 },
    { id: 'noise_suppression', delay_ms: 6 },
    { id: 'gain', delay_ms: 0 },
  ],
  processing_delay_ms: 15,
  echo_test: 'idle',
  own_ringtone: null,
  recording: null,
  player: null,
  recordings_folder: '/profile/recordings',
  replay: null,
  quality: null,
};

const GOOD = { word: 'good', reason: null } as const;
const FIGURES = { lost_per_mille: 2, jitter_ms: 4, round_trip_ms: 86 };

export const WATCHERS: WatchersView = {
  rev: 1,
  wanted: {
    look_every_s: 1,
    webhook: false,
    address: '127.0.0.1',
    port: 8787,
    beyond_this_computer: false,
    signed_with: null,
    worker: false,
    worker_name: 'deskline',
  },
  has_secret: false,
  url: null,
  webhook: { state: 'off', words: 'Not in use.', received: 0, refused: 0, refusal: null, last_at_ms: null },
  worker: { state: 'off', words: 'Not in use.', received: 0, refused: 0, refusal: null, last_at_ms: null },
};

const VOICE = [48, 56, 61, 44, 38, 42, 50, 33];

export class FakeSound {
  view = SOUND;
  watchers = WATCHERS;
  readonly #stepMs: number;
  readonly #changed: () => void;
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(stepMs: number, changed: () => void) {
    this.#stepMs = stepMs;
    this.#changed = changed;
  }

  set(settings: SoundSettings): SoundView {
    return this.#put(settings.instant_replay ? { settings } : { settings, replay: null });
  }

  /** A call sounds good, or it does not. */
  sounds(call: string, change: Partial<QualityView> = {}): void {
    this.#put({
      quality: { call, word: 'good', heard_here: GOOD, heard_there: GOOD, ...FIGURES, ...change },
    });
  }

  /** So many seconds of the far end can be heard again; none: nothing. */
  keep(seconds: number | null): void {
    const wanted = this.view.settings.instant_replay && seconds !== null;
    this.#put({ replay: wanted ? { seconds, playing: false } : null });
  }

  replay(seconds: number | null): void {
    const { replay } = this.view;
    if (!replay) {
      if (seconds === null) return;
      throw { code: 'replay', message: 'Nothing of a call is kept to be heard again.' };
    }
    this.#put({ replay: { ...replay, playing: seconds !== null } });
    if (seconds !== null) this.#timers.push(setTimeout(() => this.replay(null), 3 * this.#stepMs));
  }

  /** Two people who take turns, and a while on hold. */
  outline(row: HistoryRow | undefined): RecordingOutline {
    if (!row?.details.recording)
      throw { code: 'recording', message: 'This call has no recording. Record the next one while you talk.' };
    const turns = 'ddffffddffffddfff  fffddfffddff';
    const loud = (who: string) =>
      Array.from({ length: 240 }, (_, part) => {
        const speaks = turns[Math.floor((part / 240) * turns.length)] === who;
        return speaks ? Math.round(60 + 150 * Math.abs(Math.sin(part * 0.9) * Math.cos(part * 0.37))) : 2;
      });
    return { length_ms: (row.duration_s ?? 0) * 1000, desk: loud('d'), far: loud('f') };
  }

  play(call: string, fromMs: number, inCall: boolean): void {
    if (inCall) throw { code: 'in_call', message: 'A call uses the sound now. Finish it, then listen to the recording.' };
    this.#put({ player: { call, from_ms: fromMs, began_at_ms: Date.now(), problem: null } });
  }

  /** It was heard to its end, or stopped; or there is no speaker for it. */
  halt(problem: string | null = null): void {
    const { player } = this.view;
    this.#put({ player: player && problem !== null ? { ...player, began_at_ms: null, problem } : null });
  }

  unplug(words: string): DevicesView {
    this.#put({ microphones: [], speakers: [], banners: [{ kind: 'no_device', text: words }] });
    return { microphone: null, speaker: null, microphones: [], speakers: [], words };
  }

  plug(): void {
    const { microphones, speakers, banners } = SOUND;
    this.#put({ microphones, speakers, banners });
  }

  levels(listener: (levels: LevelsView) => void): () => void {
    let at = 0;
    const tell = () => {
      const microphone = this.view.microphones.length === 0 ? 0 : (VOICE[at % VOICE.length] ?? 0);
      listener({ microphone, speaker: this.view.echo_test === 'playing' ? microphone : 0 });
      at += 1;
    };
    tell();
    const timer = setInterval(tell, 250);
    return () => clearInterval(timer);
  }

  test(on: boolean): void {
    for (const timer of this.#timers) clearTimeout(timer);
    const steps: EchoTestState[] = on ? ['listening', 'playing', 'idle'] : ['idle'];
    this.#timers = steps.map((echo_test, at) => setTimeout(() => this.#put({ echo_test }), at * 3 * this.#stepMs));
  }

  /** The fake knows a sound file by its ending. */
  ringtoneImport(name: string): SoundView {
    if (!/\.(wav|flac|mp3|ogg)$/i.test(name))
      throw {
        code: 'bad_ringtone',
        message: 'This is not a sound file that Deskline can play. Choose a WAV, FLAC, MP3 or OGG file.',
      };
    return this.#put({ own_ringtone: name, settings: { ...this.view.settings, ringtone: 'own' } });
  }

  ringtoneRemove(): SoundView {
    const { ringtone } = this.view.settings;
    const settings = { ...this.view.settings, ringtone: ringtone === 'own' ? ('bars' as const) : ringtone };
    return this.#put({ own_ringtone: null, settings });
  }

  record(call: string): void {
    this.#put({ recording: { call, state: 'recording', path: '/profile/recordings/Call.opus' } });
  }

  pauseRecording(call: string, paused: boolean): void {
    const recording = this.view.recording;
    if (recording?.call !== call) throw { code: 'recording', message: 'This call is not recorded.' };
    this.#put({ recording: { ...recording, state: paused ? 'paused' : 'recording' } });
  }

  endRecording(call: string): void {
    if (this.view.recording?.call === call) this.#put({ recording: null });
  }

  watch(draft: WatchersDraft, secret: string | null): WatchersView {
    if (draft.port < 1 || draft.port > 65_535)
      throw { code: 'bad_setting', message: `A port is 1 to 65535, not ${draft.port}.` };
    const on = { ...WATCHERS.webhook, state: 'on' as const };
    this.watchers = {
      rev: this.watchers.rev + 1,
      wanted: draft,
      has_secret: secret !== null || this.watchers.has_secret,
      url: draft.webhook ? `http://${draft.address}:${draft.port}/` : null,
      webhook: draft.webhook ? { ...on, words: `Listening on ${draft.address}:${draft.port}` } : WATCHERS.webhook,
      worker: draft.worker ? { ...on, words: `Registered as ${draft.worker_name}` } : WATCHERS.worker,
    };
    return this.watchers;
  }

  #put(change: Partial<SoundView>): SoundView {
    this.view = { ...this.view, ...change };
    this.#changed();
    return this.view;
  }
}
