/** What stands in the number field. It outlives the dialler, so that a look at History loses nothing. */
export class DialField {
  #text = $state('');
  /** The suggestion gone to with the arrow keys or the pointer; -1 while the typing goes on. */
  chosen = $state(-1);

  get text(): string {
    return this.#text;
  }
  set text(text: string) {
    this.#text = text;
    this.chosen = -1;
  }

  append(keys: string): void {
    this.text += keys;
  }
  deleteLast(): void {
    this.text = this.text.slice(0, -1);
  }
  clear(): void {
    this.text = '';
  }
}
