// The CPU's two sides of an instance: the guest that VMRUN entered, and the host that executes VMRUN.
import * as ExitRecord from "../abi/exit.ts";
import * as Memory from "../abi/memory.ts";
import * as Vcpu from "../abi/vcpu.ts";
import * as Vmsa from "../abi/vmsa.ts";
import * as World from "../abi/world.ts";
import { Misuse } from "../error.ts";
import type { CpuPort, HostPort } from "../port.ts";
import { hostMsrs } from "./host-msr.ts";
import type { Silicon } from "./silicon.ts";

const FILE = (Vmsa.USED + 7) & ~7;

/** The guest's side. */
export function cpuPort(made: Silicon): CpuPort {
  const { exports, view } = made;
  const { buffer } = view;
  const record = new DataView(buffer, Memory.EXIT, ExitRecord.SIZE);
  // Out of frames is nothing that a guest meets: the exit record says so, and reading it throws.
  const withFrame = (answer: number) => {
    if (answer === World.NO_FRAME) made.exit();
    return answer;
  };
  return {
    words: new BigUint64Array(buffer, Memory.REGISTERS, FILE / 8),
    file: new DataView(buffer, Memory.REGISTERS, FILE),
    world: new DataView(buffer, Memory.WORLD, World.SIZE),
    refresh: () => exports.refresh(),
    instruction: (code, info1, info2, length) =>
      withFrame(exports.instruction(code, info1, info2, length)),
    refused: () => withFrame(exports.refused()),
    exception: () => ({
      vector: record.getUint32(ExitRecord.CODE, true),
      error: record.getBigUint64(ExitRecord.INFO1, true),
      cr2: record.getBigUint64(ExitRecord.INFO2, true),
    }),
    takeEvent: () => exports.takeEvent(),
    tookEvent: () => exports.tookEvent(),
    sevStatus: () => BigInt.asUintN(64, exports.sevStatus()),
    branch: (from, to) => BigInt.asUintN(64, exports.branch(from, to)),
    tsc: () => BigInt.asUintN(64, exports.guestTsc()),
    statePage: () => view.getUint32(Memory.WORLD + World.STATE_PAGE, true),
    asid: () => view.getUint32(Memory.VCPU + Vcpu.ASID, true),
    wbinvd: () => exports.writeBackAll(),
    invd: () => exports.invalidateAll(),
    onEnter(listener) {
      made.entered = listener;
    },
  };
}

type HostCpu = Pick<
  HostPort,
  | "vmrun"
  | "vmload"
  | "vmsave"
  | "registers"
  | "rdmsr"
  | "wrmsr"
  | "branch"
  | "setTimer"
  | "setSibling"
>;

/** The host's side. */
export function hostCpu(made: Silicon): HostCpu {
  const { exports, view } = made;
  return {
    vmrun(vmcb) {
      const answer = exports.vmrun(vmcb);
      if (answer === World.ENTERED) made.entered();
      if (answer === World.BUSY)
        throw new Misuse("VMRUN: the machine has one core, and a guest runs on it");
      return answer !== World.REFUSED;
    },
    vmload: (vmcb) => Boolean(exports.vmload(vmcb)),
    vmsave: (vmcb) => Boolean(exports.vmsave(vmcb)),
    registers: new BigUint64Array(view.buffer, Memory.HOST_REGISTERS, FILE / 8),
    ...hostMsrs(made),
    branch: (from, to) => BigInt.asUintN(64, exports.branch(from, to)),
    setSibling: (busy) => view.setUint32(Memory.WORLD + World.SIBLING_BUSY, Number(busy), true),
    setTimer: (steps) => view.setUint32(Memory.WORLD + World.TIMER, steps, true),
  };
}
