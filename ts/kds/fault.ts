// What can be wrong with a key service, by name.
export const kdsFaults = [
  "rate-limit",
  "server-error",
  "not-found",
  "slow",
  "truncated",
  "content-type",
  "revoked",
  "crl-expired",
] as const;

export type KdsFault = (typeof kdsFaults)[number];
