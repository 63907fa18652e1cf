// A guest at VMPL2 over an SVSM at VMPL0: what the tests of the SVSM share.
import { boot } from "../../dist/guest/boot.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { featuresOf, sipiState } from "../../dist/guest/ghcb/ap.js";
import type { CallingArea, SevGuest } from "../../dist/guest/sev.js";
import { svsmCall } from "../../dist/guest/svsm/call.js";
import { launchGuest } from "../../dist/guest/svsm/launch.js";
import { Svsm } from "../../dist/guest/svsm/svsm.js";
import * as Calls from "../../ts/abi/svsm.ts";
import { assert } from "../kit.ts";
import { bare, GHCB, type Rig, TABLES } from "./rig.ts";

// The SVSM has the first megabyte, the guest the second.
const OWN = { gpa: 0n, bytes: 0x100000n };
const GUEST = { gpa: 0x100000n, bytes: 0x100000n };
export const START = 0x8_2000;
export const VMSA = 0x101000n;
export const AREA: CallingArea = { gva: 0x102000n, gpa: 0x102000n };
export const SECRETS = 0x103000n;
export const LAYOUT = { memory: 0x200000n, tables: 0x110000n, ghcb: 0x120000n, svsm: AREA };
export const PAGE = 0x150000n;
export const AP_VMSA = 0x160000n;
export const AP_AREA = 0x161000n;

export interface Made extends Rig {
  svsm: Svsm;
}

/** A guest at VMPL2 over an SVSM at VMPL0, or over `above`. Its program finds nothing prepared but its calling area. */
export function below(
  program: (cpu: Cpu) => Step,
  above?: (cpu: Cpu, own: SevGuest, svsm: Svsm) => Step,
  code: [bigint, (cpu: Cpu) => Step][] = [],
): Made {
  const svsm = new Svsm({
    linear: 0n,
    memory: GUEST,
    own: [OWN],
    vmpl: 2,
    features: 1n,
    apicIds: [0, 1],
  });
  const made = bare(
    function* (cpu) {
      const own = yield* boot(cpu, { memory: 0x200000n, tables: TABLES, ghcb: GHCB });
      const state = sipiState(START, 0n, featuresOf(own as SevGuest), 2);
      const vcpu = { apicId: 0, vmsa: VMSA, callingArea: AREA.gpa };
      const first = { ...vcpu, state, secrets: SECRETS };
      assert.ok(yield* launchGuest(cpu, own as SevGuest, svsm, first));
      yield* above ? above(cpu, own as SevGuest, svsm) : svsm.run(cpu, 0);
    },
    { vcpus: 2, code: [[BigInt(START), program], ...code] },
  );
  made.vm.vcpus[1]!.halted = true;
  return { ...made, svsm };
}

/** Runs to the end, where the guest sleeps. */
export function finish(made: Made): Made {
  assert.is(made.run(), "sleeps");
  assert.is(made.vm.ghcb.terminated, undefined);
  assert.is(made.vcpu.ghcb.vmpl, 2);
  return made;
}

export const rmpOf = (made: Rig, gpa: bigint) =>
  made.platform.core.firmware.rmp(made.vm.spaOf(gpa) as bigint);

/** One call of the core protocol. Answers its result. */
export function* call(cpu: Cpu, which: number, given = {}): Step<number | undefined> {
  return (yield* svsmCall(cpu, AREA, Calls.PROTOCOL_CORE, which, given)).result;
}
