/** True only in the bundle made by `npm run build:fake`. */
declare const __FAKE_ONLY__: boolean;

interface Window {
  /** How the windows look, put into the page by the shell. */
  readonly __DESKLINE_LOOK__?: unknown;
}
