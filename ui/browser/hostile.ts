/** Texts that were written to be taken for something else. The same ones each time. */

const SHAPES: readonly ((n: number) => string)[] = [
  (n) => `<script>window.struck='${n}'</script>`,
  (n) => `<img src=x onerror="window.struck='${n}'">`,
  (n) => `"><svg onload=window.struck='${n}'>`,
  (n) => `javascript:window.struck='${n}'`,
  (n) => `{{constructor.constructor('window.struck=${n}')()}}`,
  (n) => `\${window.struck=${n}}`,
  (n) => `</span></div><h1>Line ${n}</h1>`,
  (n) => `<style>*{display:none}</style>${n}`,
  (n) => `<a href="tel:${n}">call</a>`,
  (n) => `\u202egro.elpmaxe ${n}\u202c`,
  (n) => `\u2066${n}\u2069\u202dleft\u200f`,
  (n) => `${n}${'\u0301\u0323\u0489'.repeat(40)}`,
  (n) => `${'W'.repeat(180)}${n}`,
  (n) => `${n} ${'word '.repeat(30).trim()}`,
  (n) => `\u200b\u200d\ufeff${n}`,
  (n) => `%s%n%x${n}%00`,
  (n) => `'; DROP TABLE calls; --${n}`,
  (n) => `=HYPERLINK("http://x.example/${n}")`,
  (n) => `&lt;b&gt;${n}&amp;`,
  (n) => `\ud83d\udc69\u200d\ud83d\udc67${n}\ud83c\udff4`,
  (n) => `مرحبا ${n} שלום`,
  (n) => `${n}\u2028\u2029next`,
  (n) => `\u0000\u0007\u001b[31m${n}`,
  (n) => `Elena Marchetti\u00a0${n}`,
  (n) => `data:text/html,<script>${n}</script>`,
];

/** `count` different ones. */
export function hostileTexts(count: number): string[] {
  return Array.from({ length: count }, (_, at) => (SHAPES[at % SHAPES.length] as (n: number) => string)(at));
}
