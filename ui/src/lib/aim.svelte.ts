/** Whether the pointer is over the controls of a call. What appears above them meanwhile may not move them away. */
class Aim {
  #inside = $state(false);

  get inside(): boolean {
    return this.#inside;
  }
  /** For the element that holds the controls. */
  readonly watch = (controls: HTMLElement): (() => void) => {
    const enter = () => (this.#inside = true);
    const leave = () => (this.#inside = false);
    controls.addEventListener('pointerenter', enter);
    controls.addEventListener('pointerleave', leave);
    return () => {
      controls.removeEventListener('pointerenter', enter);
      controls.removeEventListener('pointerleave', leave);
      leave();
    };
  };
}

export const aim = new Aim();
