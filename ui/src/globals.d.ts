/** True only in the bundle made by `npm run build:fake`. */
declare const __FAKE_ONLY__: boolean;
