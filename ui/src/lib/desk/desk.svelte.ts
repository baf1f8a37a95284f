import type {
  Backend,
  DesktopSettings,
  DesktopView,
  FirstRunStep,
  FirstRunView,
  LevelsView,
  ReadinessView,
  SettingsChange,
  SettingsInForce,
  ShellView,
  SoundSettings,
  SoundView,
  StartView,
  Unsubscribe,
  WatchersView,
} from '../backend/backend';
import { asIpcError } from '../backend/backend';
import { Newest } from '../newest.svelte';

const byRevision = <View extends { rev: number }>(view: View, than: View) => view.rev < than.rev;

/** What is around the phone: the program on this computer, its sound, its settings, and whether this desk will ring. */
export class Desk {
  readonly desktop: Newest<DesktopView>;
  readonly shell: Newest<ShellView>;
  readonly readiness: Newest<ReadinessView>;
  readonly sound: Newest<SoundView>;
  readonly watchers: Newest<WatchersView>;
  readonly settings: Newest<SettingsInForce>;
  #firstRun = $state.raw<FirstRunView | null>(null);
  #firstRunKnown = $state(false);
  readonly #backend: Backend;

  /** `start`: what the page began with. */
  constructor(backend: Backend, start: StartView | null = null) {
    this.#backend = backend;
    this.#firstRun = start?.first_run ?? null;
    this.#firstRunKnown = start !== null;
    this.desktop = new Newest(
      () => backend.desktopShow(),
      (listener) => backend.onDesktopChanged(listener),
      byRevision,
      start?.desktop,
    );
    this.shell = new Newest(
      () => backend.shellShow(),
      (listener) => backend.onShellChanged(listener),
      byRevision,
      start?.shell,
    );
    this.readiness = new Newest(
      () => backend.readinessShow(),
      (listener) => backend.onReadinessChanged(listener),
      byRevision,
      start?.readiness,
    );
    this.sound = new Newest(
      () => backend.soundShow(),
      (listener) => backend.onSoundChanged(listener),
    );
    this.watchers = new Newest(
      () => backend.watchersShow(),
      (listener) => backend.onWatchersChanged(listener),
      byRevision,
    );
    this.settings = new Newest(
      () => backend.settingsShow(),
      (listener) => backend.onSettingsChanged(listener),
      byRevision,
      start?.settings,
    );
  }

  /** How far the first run is; null where nobody knows. */
  get firstRun(): FirstRunView | null {
    return this.#firstRun;
  }

  /** The core has said whether there is a first run, or cannot. */
  get firstRunKnown(): boolean {
    return this.#firstRunKnown;
  }

  async connect(): Promise<Unsubscribe> {
    const first = this.#firstRunKnown ? null : this.#backend
      .firstRunShow()
      .then(
        (view) => (this.#firstRun = view),
        () => null,
      )
      .finally(() => (this.#firstRunKnown = true));
    const parts = [this.desktop, this.shell, this.readiness, this.sound, this.watchers, this.settings];
    const stops = await Promise.all(parts.map((part) => part.connect()));
    await first;
    return () => {
      for (const stop of stops) stop();
    };
  }

  setDesktop(change: Partial<DesktopSettings>): Promise<boolean> {
    const before = this.desktop.view?.settings;
    return before
      ? this.desktop.change(() => this.#backend.desktopSet({ ...before, ...change }))
      : Promise.resolve(false);
  }
  setSound(change: Partial<SoundSettings>): Promise<boolean> {
    const before = this.sound.view?.settings;
    return before ? this.sound.change(() => this.#backend.soundSet({ ...before, ...change })) : Promise.resolve(false);
  }
  setSettings(change: SettingsChange): Promise<boolean> {
    return this.settings.change(() => this.#backend.settingsChange(change));
  }

  /** The first run goes to another step, or is over. */
  async goTo(step: FirstRunStep, done = false): Promise<void> {
    this.#firstRun = { done, step };
    try {
      await this.#backend.firstRunSet({ done, step });
    } catch {
      // It is asked again at the next start, which loses nothing.
    }
  }
}

/** How loud it is while somebody looks. For `$effect`: answers what ends it. */
export function watchLevels(backend: Backend, told: (levels: LevelsView) => void): () => void {
  const stop = backend.soundLevels(told).catch(() => () => undefined);
  return () => void stop.then((end) => end());
}

/** The sentence of a refusal, for where it is shown at once. */
export const words = (thrown: unknown): string => asIpcError(thrown).message;
