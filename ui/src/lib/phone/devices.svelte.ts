import type { Backend, DevicesView, Unsubscribe } from '../backend/backend';

/** The sound devices as last read, for what a window says about them outside Settings. */
export class Devices {
  #view = $state.raw<DevicesView | null>(null);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** What is wrong with them; null when nothing is, or when they cannot be read: Settings says why. */
  get words(): string | null {
    return this.#view?.words ?? null;
  }

  async connect(): Promise<Unsubscribe> {
    const stop = await this.#backend.onDevicesChanged(() => void this.read());
    await this.read();
    return stop;
  }

  async read(): Promise<void> {
    try {
      this.#view = await this.#backend.devices();
    } catch {
      this.#view = null;
    }
  }
}
