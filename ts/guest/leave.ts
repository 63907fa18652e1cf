// How a guest leaves for the hypervisor, by generation: at once, by #VC and VMGEXIT, or not at all. APM vol. 2, 15.35.5; AMD 56421.
import * as Code from "../abi/exit.ts";
import { featuresOf, type Generation } from "../chip/chip.ts";
import { BadInput } from "../error.ts";

export interface Leaving {
  /** `vmexit` at once; `vmgexit` after a #VC; `guest`: answered by the #VC itself; `nothing`: this generation has no such exit. */
  by: "vmexit" | "vmgexit" | "guest" | "nothing";
  code: number;
  info1: bigint;
}

// Automatic exits: what the guest need not know of. All others become #VC once its registers are its own. Table 15-35.
const AUTOMATIC: ReadonlySet<number> = new Set([
  Code.VMEXIT_INTR,
  Code.VMEXIT_NMI,
  Code.VMEXIT_SMI,
  Code.VMEXIT_INIT,
  Code.VMEXIT_VINTR,
  Code.VMEXIT_PAUSE,
  Code.VMEXIT_HLT,
  Code.VMEXIT_BUSLOCK,
  Code.VMEXIT_IDLE_HLT,
  Code.VMEXIT_VMGEXIT,
]);

const INSTRUCTIONS_END = 0x100;
// A nested fault with a reserved bit: how KVM marks a page of device registers.
const MMIO_ERROR = 1n << BigInt(Code.RESERVED_BIT);

/** What an exit with this code, of VMEXIT_* or a GHCB's SW_EXITCODE, is in a generation. */
export function leaveFor(generation: Generation, code: number): Leaving {
  if (!isExit(code)) {
    const expected = "one that an SVM guest survives";
    throw new BadInput(`exit code 0x${code.toString(16)}, expected ${expected}`);
  }
  const { es, snp } = featuresOf(generation);
  const event = code === Code.VMGEXIT_MMIO_READ || code === Code.VMGEXIT_MMIO_WRITE;
  if (code === Code.VMEXIT_NPF || event) {
    const software = event ? code : Code.VMGEXIT_MMIO_READ;
    return es ? vmgexit(software) : { by: "vmexit", code: Code.VMEXIT_NPF, info1: MMIO_ERROR };
  }
  // The other GHCB events exist for guests with a GHCB only.
  if (code >= Code.VMGEXIT_EVENTS) return es ? vmgexit(code) : none(code);
  if (!es && code === Code.VMEXIT_VMGEXIT) return none(code);
  if (!es) return { by: "vmexit", code, info1: 0n };
  if (AUTOMATIC.has(code)) return { by: "vmexit", code, info1: 0n };
  // The firmware's CPUID page answers. SNP Firmware ABI, 8.17.2.6.
  if (code === Code.VMEXIT_CPUID && snp) return { by: "guest", code, info1: 0n };
  return vmgexit(code);
}

/** Whether a guest can leave with this code and run on. */
export function isExit(code: number): boolean {
  if (code < INSTRUCTIONS_END) return code !== Code.VMEXIT_SHUTDOWN;
  return (
    (code >= Code.VMEXIT_NPF && code <= Code.VMEXIT_VMGEXIT) ||
    (code >= Code.VMGEXIT_EVENTS && code !== Code.VMGEXIT_TERMINATE)
  );
}

const none = (code: number): Leaving => ({ by: "nothing", code, info1: 0n });

function vmgexit(code: number): Leaving {
  return { by: "vmgexit", code: Code.VMEXIT_VMGEXIT, info1: BigInt(code) };
}
