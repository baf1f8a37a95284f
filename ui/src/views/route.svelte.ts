import { SCREENS, type Screen } from '../lib/phone/shortcuts';

/** A screen and the part of it that is shown: `#/history/<call>`, `#/settings/audio`. Anything else is the phone. */
export interface Place {
  screen: Screen;
  /** "" is the screen itself. */
  part: string;
}

export function placeOf(hash: string): Place {
  const [name = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  const screen = SCREENS.find((one) => one === name) ?? 'phone';
  return { screen, part: decoded(rest.join('/')) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export class Route {
  #place = $state.raw<Place>({ screen: 'phone', part: '' });

  get screen(): Screen {
    return this.#place.screen;
  }
  get part(): string {
    return this.#place.part;
  }

  /** Follows the address until the returned function is called. */
  follow(): () => void {
    const update = () => {
      this.#place = placeOf(location.hash);
    };
    update();
    window.addEventListener('hashchange', update);
    return () => window.removeEventListener('hashchange', update);
  }

  go(screen: Screen, part = ''): void {
    // Set at once: the address reports back a moment later.
    this.#place = { screen, part };
    location.hash = part ? `#/${screen}/${encodeURIComponent(part)}` : `#/${screen}`;
  }

  /** Shows another part of the screen without a step to go back to. */
  show(part: string): void {
    if (part === this.#place.part) return;
    this.#place = { screen: this.#place.screen, part };
    history.replaceState(history.state, '', part ? `#/${this.screen}/${encodeURIComponent(part)}` : `#/${this.screen}`);
  }
}
