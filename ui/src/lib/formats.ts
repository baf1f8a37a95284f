/**
 * The platform's formatters, each made once: making one costs more than everything else in a row of a list. A formatter
 * keeps the time zone it was made in, and a computer may be carried into another one, so that is part of its name.
 */
const made = new Map<string, unknown>();

function once<Format>(name: string, make: () => Format): Format {
  const known = made.get(name) as Format | undefined;
  if (known !== undefined) return known;
  const format = make();
  made.set(name, format);
  return format;
}

export function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `dates ${locale} ${new Date().getTimezoneOffset()} ${JSON.stringify(options)}`;
  return once(name, () => new Intl.DateTimeFormat(locale, options));
}

export function numbers(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  return once(`numbers ${locale} ${JSON.stringify(options)}`, () => new Intl.NumberFormat(locale, options));
}

export function plurals(locale: string): Intl.PluralRules {
  return once(`plurals ${locale}`, () => new Intl.PluralRules(locale));
}
