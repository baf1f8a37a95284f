// Provisional: types of commands that the core gains. Goes when bindings.ts has them.
import type { Direction } from './bindings';

export type ThemeSetting = "system" | "light" | "dark";
export type OverlayScreens = "in_use" | "every";
export type ShortcutAction = "answer" | "decline_or_end" | "silence" | "mute" | "hold" | "keypad" | "transfer" | "add_person" | "swap" | "find" | "search" | "show";
export type ShortcutSetting = { action: ShortcutAction, keys: string | null, global: string | null, };
export type HookMoment = "ring" | "answer" | "end";
export type HookAction = { "kind": "open_url", template: string, } | { "kind": "run", program: string, arguments: Array<string>, };
export type HookSetting = { enabled: boolean, moment: HookMoment, direction: Direction | null, action: HookAction, };
export type DesktopSettings = { theme: ThemeSetting, language: string, autostart: boolean, overlay_on: OverlayScreens, caller_on_locked_screen: boolean, notifications: boolean, ring_in_focus: boolean, keep_awake: boolean, single_letters: boolean, start_compact: boolean, shortcuts: Array<ShortcutSetting>, hooks: Array<HookSetting>, };
export type ShortcutTrouble = { action: ShortcutAction, words: string, };
export type DesktopFacts = { tray: boolean, overlay: boolean, notification_buttons: boolean, global_keys: boolean, troubles: Array<ShortcutTrouble>, words: Array<string>, };
export type DesktopView = { rev: number, settings: DesktopSettings, defaults: DesktopSettings, facts: DesktopFacts, };
export type LookView = { theme: ThemeSetting, language: string, answer_keys: string | null, decline_keys: string | null, };
export type ScreenName = "phone" | "history" | "contacts" | "settings" | "find" | "what_is_wrong";
export type GoToView = { id: number, screen: ScreenName, };
export type PrefillView = { id: number, number: string, number_shown: string, keys: string | null, service_code: boolean, words: string, };
export type QuitView = { title: string, detail: string, stay: string, quit: string, };
export type ShellView = { rev: number, compact: boolean, prefill: PrefillView | null, quit: QuitView | null, go_to: GoToView | null, };
export type ProofOf = "server" | "sign_in" | "watcher" | "ring_device" | "overlay" | "rules";
export type ProofState = "proven" | "waiting" | "missing";
export type ProofView = { of: ProofOf, state: ProofState, words: string, };
export type RingTestState = "placing" | "ringing" | "passed" | "failed";
export type RingTestView = { state: RingTestState, at_ms: number, words: string, };
export type ReadinessView = { rev: number, ready: boolean, words: string, detail: string | null, next_try_at_ms: number | null, proofs: Array<ProofView>, test: RingTestView | null, };
export type FirstRunStep = "connect" | "sound" | "region" | "test_ring";
export type FirstRunView = { done: boolean, step: FirstRunStep, };
export type HookTested = { words: string, };
