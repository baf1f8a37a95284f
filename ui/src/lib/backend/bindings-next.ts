// Provisional: types of commands that the core gains. Goes when bindings.ts has them.
import type { HistoryRow } from './bindings';

export type ChosenDevice = { id: string, name: string, };
export type RingtoneSetting = "bars" | "bells" | "trill" | "drops";
export type TonesSetting = "north_america" | "united_kingdom" | "europe" | "australia" | "japan";
export type SoundSettings = { microphone: ChosenDevice | null, speaker: ChosenDevice | null, ring_device: ChosenDevice | null, ring_volume: number, ringtone: RingtoneSetting, tones: TonesSetting | null, echo_cancellation: boolean, noise_suppression: boolean, gain: boolean, };
export type SoundDevice = { id: string, name: string, preferred: boolean, };
export type NamedChoice = { id: string, name: string, };
export type ProcessingChoice = { id: string, name: string, words: string, delay_ms: number, };
export type SoundBannerKind = "no_device" | "microphone_silent" | "microphone_replaced" | "speaker_replaced";
export type SoundBanner = { kind: SoundBannerKind, text: string, };
export type EchoTestState = "idle" | "listening" | "playing";
export type SoundView = { settings: SoundSettings, microphones: Array<SoundDevice>, speakers: Array<SoundDevice>, microphone_open: string | null, speaker_open: string | null, ring_open: string | null, banners: Array<SoundBanner>, ringtones: Array<NamedChoice>, tones: Array<NamedChoice>, tones_of_country: string, processing: Array<ProcessingChoice>, processing_delay_ms: number, echo_test: EchoTestState, };
export type LevelsView = { microphone: number, speaker: number, };
export type WatchersDraft = { look_every_s: number, webhook: boolean, address: string, port: number, beyond_this_computer: boolean, signed_with: string | null, worker: boolean, worker_name: string, };
export type WatcherState = "off" | "waiting" | "on" | "trouble";
export type WatcherStatus = { state: WatcherState, words: string, received: number, refused: number, refusal: string | null, last_at_ms: number | null, };
export type WatchersView = { wanted: WatchersDraft, has_secret: boolean, url: string | null, webhook: WatcherStatus, worker: WatcherStatus, };
export type CallPerson = { number: string, number_shown: string, name: string | null, contact: string | null, answered: boolean, outcome: string, words: string, };
export type CallEvent = { at_ms: number, source: string, kind: string, payload: string, };
export type CallDetails = { row: HistoryRow, room: string, jitter_mean_ms: number | null, packets_received: number | null, packets_lost: number | null, people: Array<CallPerson>, events: Array<CallEvent>, };
