import type { Backend } from './backend';

/** The shell's backend inside the shell; elsewhere, or with `?fake` in the address, a fake phone. */
export async function openBackend(location: Location): Promise<Backend> {
  const query = new URLSearchParams(location.search);
  const inShell = '__TAURI_INTERNALS__' in window;
  if (__FAKE_ONLY__ || !inShell || query.has('fake')) {
    const { FakePhone } = await import('./fake');
    const fake = new FakePhone(query.get('fake') ?? '');
    // Browser tests and the console steer the far end through this.
    Object.assign(window, { fakePhone: fake });
    return fake;
  }
  const { tauriBackend } = await import('./tauri');
  return tauriBackend();
}
