/** A group of buttons as one Tab stop with arrow keys inside. For `{@attach toolbar}`. */
export function toolbar(group: HTMLElement): () => void {
  const buttons = () => [...group.querySelectorAll<HTMLButtonElement>('button:not([disabled])')];

  function stopAt(wanted: HTMLButtonElement | undefined): void {
    for (const button of group.querySelectorAll('button')) button.tabIndex = button === wanted ? 0 : -1;
  }
  /** One button must be reachable, whichever ones come and go. */
  function repair(): void {
    const all = buttons();
    if (all.filter((button) => button.tabIndex === 0).length !== 1) stopAt(all[0]);
  }
  function focused(event: FocusEvent): void {
    if (event.target instanceof HTMLButtonElement) stopAt(event.target);
  }
  function pressed(event: KeyboardEvent): void {
    const all = buttons();
    const here = all.findIndex((button) => button === document.activeElement);
    const to: Readonly<Record<string, number>> = {
      ArrowRight: (here + 1) % all.length,
      ArrowLeft: (here - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    };
    const next = to[event.key];
    if (here === -1 || next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    all[next]?.focus();
  }

  repair();
  const watch = new MutationObserver(repair);
  watch.observe(group, { childList: true, subtree: true, attributeFilter: ['disabled'] });
  group.addEventListener('focusin', focused);
  group.addEventListener('keydown', pressed);
  return () => {
    watch.disconnect();
    group.removeEventListener('focusin', focused);
    group.removeEventListener('keydown', pressed);
  };
}
