/** True only in the bundle made by `npm run build:fake`. */
declare const __FAKE_ONLY__: boolean;

interface Window {
  /** How the windows look, put into the page by the shell. */
  readonly __DESKLINE_LOOK__?: unknown;
  /** What the main window draws first, put into the page by the shell. */
  readonly __DESKLINE_START__?: import('./lib/backend/bindings').StartView | null;
}
