// The exit record: who is told of a refusal, and why. Every refusal of the silicon is written here, and nowhere else.
import * as Events from "../ts/abi/events";
import * as Exit from "../ts/abi/exit";
import * as Memory from "../ts/abi/memory";
import { count } from "./events";

function record(kind: u32, code: u64, info1: u64, info2: u64): void {
  store<u32>(Memory.EXIT, kind, Exit.KIND);
  store<u64>(Memory.EXIT, code, Exit.CODE);
  store<u64>(Memory.EXIT, info1, Exit.INFO1);
  store<u64>(Memory.EXIT, info2, Exit.INFO2);
  store<u64>(Memory.EXIT, 0, Exit.GVA);
  store<u64>(Memory.EXIT, 0, Exit.GPA);
  store<u64>(Memory.EXIT, 0, Exit.SPA);
}

/** Leaves the guest: EXITCODE, EXITINFO1, EXITINFO2. Always false, so that a refused step can return it. */
export function vmexit(code: u64, info1: u64, info2: u64): bool {
  record(Exit.VMEXIT, code, info1, info2);
  count(Events.EXITS, 1);
  return false;
}

/** #VMEXIT(NPF): EXITINFO1 is the error code, EXITINFO2 the guest physical address. APM vol. 2, 15.25.6. */
export function npf(error: u64, gpa: u64): bool {
  count(Events.NPF, 1);
  return vmexit(Exit.VMEXIT_NPF, error, gpa);
}

/** An exception delivered inside the guest. */
export function exception(vector: u64, error: u64, cr2: u64): bool {
  record(Exit.EXCEPTION, vector, error, cr2);
  return false;
}

/** A page fault of the host's own software. */
export function hostFault(error: u64, spa: u64): bool {
  record(Exit.HOST_FAULT, Exit.PF, error, spa);
  store<u64>(Memory.EXIT, spa, Exit.SPA);
  return false;
}

/** An exception of the host's own software that names no address. */
export function hostException(vector: u64): bool {
  record(Exit.HOST_FAULT, vector, 0, 0);
  return false;
}

/** A request of a device that the IOMMU stopped. */
export function deviceFault(code: u64, device: u64, gpa: u64): bool {
  record(Exit.DEVICE_FAULT, code, device, gpa);
  store<u64>(Memory.EXIT, gpa, Exit.GPA);
  return false;
}

/** An access to a register behind a root port: whoever reads this record carries it there. */
export function mmioAccess(tee: bool, written: bool, bytes: u32, spa: u64): bool {
  record(Exit.MMIO, u64(tee), u64(written), bytes);
  store<u64>(Memory.EXIT, spa, Exit.SPA);
  return false;
}

/** The emulator has no frame left to hold a page in. */
export function outOfFrames(): u32 {
  record(Exit.OUT_OF_FRAMES, 0, 0, 0);
  return 0;
}

/** Where the refused access pointed. */
export function at(gva: u64, gpa: u64): void {
  store<u64>(Memory.EXIT, gva, Exit.GVA);
  store<u64>(Memory.EXIT, gpa, Exit.GPA);
}
