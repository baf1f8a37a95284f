/** What stands in the number field. It outlives the dialler, so that a look at History loses nothing. */
export class DialField {
  text = $state('');

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
