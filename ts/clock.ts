// The only clock. What is measured outside the machine reads it; the machine itself has no time of its own.

export interface Clock {
  /** Milliseconds since some fixed moment; where certificates are made, since 1970. */
  now(): number;
}

export const wallClock: Clock = { now: () => performance.now() };
