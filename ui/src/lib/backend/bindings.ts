// Made from src-tauri/ipc/types.rs: UPDATE=1 cargo test -p deskline --test bindings

export type AccountView = { url: string, key: string, has_secret: boolean, keychain: KeychainState, words: string, };
export type CallState = "preparing" | "joining" | "dialling" | "remote_ringing" | "offered" | "claiming" | "answering" | "live" | "ending" | "ended";
export type CallView = { id: string, direction: Direction, number: string, number_shown: string, name: string | null, line: string | null, state: CallState, words: string, started_at_ms: number, answered_at_ms: number | null, ended_at_ms: number | null, muted: boolean, reconnecting: boolean, silenced: boolean, only_desk: boolean, keys_sent: string, keys_received: string, end: EndView | null, };
export type DevicesView = { microphone: string | null, speaker: string | null, microphones: Array<string>, speakers: Array<string>, words: string | null, };
export type Direction = "outbound" | "inbound";
export type EndView = { reason: string, title: string, advice: string | null, sip_code: number | null, missed: boolean, };
export type HistoryPage = { rows: Array<HistoryRow>, next: string | null, };
export type HistoryRow = { id: string, direction: Direction, number: string, number_shown: string, name: string | null, line: string | null, started_at_ms: number, answered_at_ms: number | null, ended_at_ms: number | null, duration_s: number | null, outcome: string, words: string, missed: boolean, };
export type IpcError = { code: string, message: string, };
export type KeychainState = "ready" | "locked" | "absent";
export type LineState = "signed_out" | "connecting" | "ready" | "unreachable" | "refused" | "locked" | "broken" | "no_trunk";
export type LineView = { state: LineState, words: string, detail: string | null, name: string | null, number: string | null, number_shown: string | null, next_try_at_ms: number | null, };
export type NoticeView = { id: number, code: string, text: string, };
export type PhoneView = { rev: number, line: LineView, calls: Array<CallView>, notice: NoticeView | null, };
