// A slow twin of SEV-TIO's states: which command is legal when, and where it leads. Written from the spec digest (sev-tio.md) and
// LIMITATIONS.md, not from ts/psp/tio/. Numbers are the specification's own.

/** What a command upon a device answers: legal, by force alone, or the status. */
export type Verdict = "ok" | "force" | number;

const NO = 0x3b;
const BROKEN = 0x35;

/** By the device's state: created, connected, broken; and while another command of it is under way. */
// biome-ignore format: a table
export const deviceLegal: ReadonlyMap<number, readonly Verdict[]> = new Map<number, readonly Verdict[]>([
  [0x0d3, ["ok", NO, NO, "ok"]],         [0x0d4, ["ok", NO, NO, NO]],
  [0x0d5, [NO, "ok", "force", "force"]], [0x0d6, ["ok", "ok", "ok", "ok"]],
  [0x0d7, [NO, "ok", BROKEN, NO]],       [0x0d8, [NO, "ok", BROKEN, NO]],
  [0x0da, [NO, "ok", BROKEN, NO]],       [0x0db, ["ok", "ok", "ok", NO]],
  [0x0dc, [NO, "ok", BROKEN, NO]],       [0x0dd, [NO, "ok", "force", NO]],
  [0x0de, [NO, "ok", BROKEN, NO]],       [0x0df, [NO, "ok", BROKEN, NO]],
  [0x0e0, ["ok", "ok", "ok", NO]],       [0x0e1, ["ok", "ok", "ok", NO]],
  [0x0e2, ["ok", "ok", "ok", NO]],       [0x0e3, ["ok", "ok", "ok", NO]],
  [0x0e4, [NO, "ok", BROKEN, NO]],
]);

const BAD = 0x3c;

/** By the interface's state: unbound, locked, running. TDI_BIND with RUN is 0x1_00dc. */
// biome-ignore format: a table
export const tdiLegal: ReadonlyMap<number, readonly Verdict[]> = new Map<number, readonly Verdict[]>([
  [0x0db, ["ok", BAD, BAD]],   [0x0dc, ["ok", BAD, BAD]],   [0x1_00dc, [BAD, "ok", BAD]],
  [0x0dd, [BAD, "ok", "ok"]],  [0x0de, [BAD, "ok", "ok"]],  [0x0df, ["ok", "ok", "ok"]],
  [0x0e0, ["ok", "ok", "ok"]], [0x0e3, ["ok", "ok", "ok"]],
]);
