/** Where the keyboard is, and moving it between the regions of a window. */

const TYPED = new Set(['text', 'search', 'url', 'tel', 'email', 'password', 'number']);
const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]), [tabindex="0"]';

export function isEditing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return TYPED.has(target.type);
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLElement && target.isContentEditable);
}

export function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('a[href], button') !== null;
}

/** Focuses the first control of the region after the one that has the focus; the last wraps to the first. */
export function focusNextRegion(back: boolean): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter((region) =>
    region.querySelector(FOCUSABLE),
  );
  if (regions.length === 0) return;
  const here = regions.findLastIndex((region) => region.contains(document.activeElement));
  const next =
    here === -1 ? (back ? regions.length - 1 : 0) : (here + (back ? -1 : 1) + regions.length) % regions.length;
  const region = regions[next];
  // The controls of a call are wanted before what stands above them.
  const first = region?.querySelector<HTMLElement>('[role="toolbar"] [tabindex="0"]');
  (first ?? region?.querySelector<HTMLElement>(FOCUSABLE))?.focus();
}
