import type { CallView, RecordingState, SoundView } from '../backend/backend';

/** What is recorded of this call just now. */
export function recordingOf(sound: SoundView | null, call: CallView): RecordingState | null {
  const now = sound?.recording ?? null;
  return now?.call === call.id ? now.state : null;
}

/** Whether a recording of this call can be begun or ended: allowed and answered, or under way. */
export function mayRecord(sound: SoundView | null, call: CallView): boolean {
  if (!sound) return false;
  return recordingOf(sound, call) !== null || (sound.settings.recording && call.state === 'live');
}
