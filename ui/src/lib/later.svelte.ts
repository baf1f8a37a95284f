import type { Component } from 'svelte';

/** A component that is read apart from the first picture: when it is first shown, or before that by whoever has time. */
export class Later<Shown extends Component<any>> {
  #component = $state.raw<Shown | null>(null);
  #reading: Promise<void> | null = null;
  readonly #read: () => Promise<{ default: Shown }>;

  constructor(read: () => Promise<{ default: Shown }>) {
    this.#read = read;
  }

  /** Null until it was read; asking for it begins that. */
  get component(): Shown | null {
    if (this.#component === null) void this.load();
    return this.#component;
  }

  /** Done once it can be shown. */
  load(): Promise<void> {
    this.#reading ??= this.#read().then(
      (read) => {
        this.#component = read.default;
      },
      () => {
        // The file is part of the program; if it cannot be read now, whoever asks next tries again.
        this.#reading = null;
      },
    );
    return this.#reading;
  }
}
