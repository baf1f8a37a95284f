/** Everything that the first picture of the phone does without. */
import { Later } from '../lib/later.svelte';

export const later = {
  call: new Later(() => import('./CallView.svelte')),
  hearAgain: new Later(() => import('../lib/components/call/HearAgain.svelte')),
  history: new Later(() => import('./HistoryView.svelte')),
  contacts: new Later(() => import('./ContactsView.svelte')),
  lines: new Later(() => import('./LinesView.svelte')),
  settings: new Later(() => import('./SettingsView.svelte')),
  firstRun: new Later(() => import('./FirstRun.svelte')),
  palette: new Later(() => import('../lib/components/desk/Palette.svelte')),
};

/** Reads all of it, one after the other, the likeliest first. */
export async function prefetch(): Promise<void> {
  for (const part of Object.values(later)) await part.load();
}
