import type { Screen } from '../lib/phone/shortcuts';

/** The screen named by the address: `#/phone`, `#/history` or `#/settings`. Anything else is the phone. */
export function screenOf(hash: string): Screen {
  const name = hash.replace(/^#\/?/, '');
  return name === 'history' || name === 'settings' ? name : 'phone';
}

export class Route {
  screen = $state<Screen>('phone');

  /** Follows the address until the returned function is called. */
  follow(): () => void {
    const update = () => {
      this.screen = screenOf(location.hash);
    };
    update();
    window.addEventListener('hashchange', update);
    return () => window.removeEventListener('hashchange', update);
  }

  go(screen: Screen): void {
    // Set at once: the address reports back a moment later.
    this.screen = screen;
    location.hash = `#/${screen}`;
  }
}
