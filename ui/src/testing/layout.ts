/** The test page has no layout: a viewport is 800 px high, and nothing else is measured. */
class Measured implements ResizeObserver {
  readonly #told: ResizeObserverCallback;
  constructor(told: ResizeObserverCallback) {
    this.#told = told;
  }
  observe(target: Element): void {
    if (!target.matches('[data-viewport]')) return;
    const contentRect = { width: 600, height: 800 } as DOMRectReadOnly;
    queueMicrotask(() => this.#told([{ target, contentRect } as ResizeObserverEntry], this));
  }
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver = Measured;
if (document.defaultView) document.defaultView.ResizeObserver = Measured;
