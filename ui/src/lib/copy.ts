import { asIpcError, type IpcError } from './backend/backend';
import type { Toasts } from './toasts.svelte';
import { say } from './words';

/** Puts `text` on the clipboard. Rejects with an `IpcError` that says what to do instead. */
export async function putOnClipboard(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    throw { code: 'clipboard', message: say('copy.refused') } satisfies IpcError;
  }
}

/** The same, and says what came of it. */
export async function copyText(text: string, toasts: Toasts): Promise<void> {
  try {
    await putOnClipboard(text);
    toasts.show(say('detail.copied'));
  } catch (thrown) {
    toasts.refuse(asIpcError(thrown).message);
  }
}
