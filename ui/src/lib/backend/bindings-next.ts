// Provisional: types of commands that the core gains. Goes when bindings.ts has them.
import type { HistoryRow } from './bindings';

export type WatchersDraft = { look_every_s: number, webhook: boolean, address: string, port: number, beyond_this_computer: boolean, signed_with: string | null, worker: boolean, worker_name: string, };
export type WatcherState = "off" | "waiting" | "on" | "trouble";
export type WatcherStatus = { state: WatcherState, words: string, received: number, refused: number, refusal: string | null, last_at_ms: number | null, };
export type WatchersView = { wanted: WatchersDraft, has_secret: boolean, url: string | null, webhook: WatcherStatus, worker: WatcherStatus, };
export type CallPerson = { number: string, number_shown: string, name: string | null, contact: string | null, answered: boolean, outcome: string, words: string, };
export type CallEvent = { at_ms: number, source: string, kind: string, payload: string, };
export type CallDetails = { row: HistoryRow, room: string, jitter_mean_ms: number | null, packets_received: number | null, packets_lost: number | null, people: Array<CallPerson>, events: Array<CallEvent>, };
