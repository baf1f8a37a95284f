/**
 * How far this page came when, on the way to its first picture. The core writes it into its log, beside its own moments: a
 * start that takes long can be read there, piece by piece.
 */
import type { PageMoment } from './backend/backend';

const moments: PageMoment[] = [];

/** It has come so far. `name`: small letters and underscores. */
export function reached(name: string, at = performance.now()): void {
  if (!moments.some((known) => known.name === name)) moments.push({ name, at_ms: performance.timeOrigin + at });
}

/** Everything reached until now, and when the page was asked for and read. */
export function way(): readonly PageMoment[] {
  const page: Partial<PerformanceNavigationTiming> | undefined = performance.getEntriesByType?.('navigation')[0];
  reached('page', 0);
  if (page?.domInteractive) reached('html', page.domInteractive);
  return moments;
}
