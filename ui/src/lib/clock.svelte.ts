import { createSubscriber } from 'svelte/reactivity';

function everyMs(interval: number): () => void {
  return createSubscriber((update) => {
    const timer = setInterval(update, interval);
    return () => clearInterval(timer);
  });
}

// Often enough that a timer never looks stuck; text that did not change is not drawn again.
const subscribeToTimers = everyMs(250);
const subscribeToDays = everyMs(30_000);

/** The time now in unix milliseconds, for a running timer. Ticks only while something shown reads it. */
export function now(): number {
  subscribeToTimers();
  return Date.now();
}

/** The time now in unix milliseconds, for "today" and "yesterday". */
export function nowForDays(): number {
  subscribeToDays();
  return Date.now();
}
