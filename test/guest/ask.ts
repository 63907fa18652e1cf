// Events as a test's guest asks them by hand: any fields, no checks but the library's own.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import type { Verdict } from "../../dist/guest/ghcb.js";
import type { SevGuest } from "../../dist/guest/sev.js";

/** One event with the fields given. The reply is in `guest.ghcb`. */
export function* ask(
  cpu: Cpu,
  { ghcb }: SevGuest,
  code: number,
  info1 = 0n,
  info2 = 0n,
  fields: Record<number, bigint> = {},
): Step<Verdict> {
  ghcb.clear();
  for (const [field, value] of Object.entries(fields)) ghcb.set(Number(field), value);
  return yield* ghcb.call(cpu, code, info1, info2);
}
