import type { Backend, CallView } from '../lib/backend/backend';
import { words, type Desk } from '../lib/desk/desk.svelte';
import { recordingOf } from '../lib/phone/recording';
import type { Toasts } from '../lib/toasts.svelte';
import { say } from '../lib/words';

/** Begins to record a call, or ends that and says where the file is. */
export async function toggleRecording(backend: Backend, desk: Desk, toasts: Toasts, call: CallView): Promise<void> {
  try {
    const path = desk.sound.view?.recording?.path ?? '';
    if (recordingOf(desk.sound.view, call) === null) await backend.recordingStart(call.id);
    else {
      await backend.recordingStop(call.id);
      toasts.show(say('recording.kept', { path }));
    }
  } catch (thrown) {
    toasts.refuse(words(thrown));
  }
}

export async function toggleRecordingPause(backend: Backend, desk: Desk, toasts: Toasts, call: CallView): Promise<void> {
  try {
    await backend.recordingPause(call.id, recordingOf(desk.sound.view, call) !== 'paused');
  } catch (thrown) {
    toasts.refuse(words(thrown));
  }
}
