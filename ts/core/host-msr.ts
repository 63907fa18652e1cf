// The host's model-specific registers. APM vol. 2, appendix A; spec digest cpuid-msr.md 3.
import * as Memory from "../abi/memory.ts";
import * as Msr from "../abi/msr.ts";
import * as RmpTable from "../abi/rmp-table.ts";
import * as State from "../abi/state.ts";
import * as World from "../abi/world.ts";
import type { HostPort } from "../port.ts";
import type { Silicon } from "./silicon.ts";

const bit = (position: number) => 1n << BigInt(position);

/** RDMSR and WRMSR of the host: undefined or false is #GP. */
export function hostMsrs({ view }: Silicon): Pick<HostPort, "rdmsr" | "wrmsr"> {
  const state = (offset: number) => view.getUint32(Memory.STATE + offset, true);
  const world = (offset: number) => view.getBigUint64(Memory.WORLD + offset, true);
  const set = (offset: number, value: bigint) =>
    view.setBigUint64(Memory.WORLD + offset, value, true);
  const rmp = (offset: number) => view.getBigUint64(Memory.RMP_TABLE + offset, true);
  const syscfg = () =>
    (state(State.C_BIT) ? bit(Msr.SYSCFG_SMEE_BIT) : 0n) |
    (state(State.SNP_ENABLED)
      ? bit(Msr.SYSCFG_MFDM_BIT) | bit(Msr.SYSCFG_SNP_BIT) | bit(Msr.SYSCFG_VMPL_BIT)
      : 0n);
  const readable: Record<number, () => bigint> = {
    [Msr.SYSCFG]: syscfg,
    [Msr.RMP_BASE]: () => rmp(RmpTable.RMP_BASE),
    // Where the BIOS reserved nothing, RMP_END still reads 0x1fff (AMDSEV issue 68).
    [Msr.RMP_END]: () => (state(State.SNP_ENABLED) ? rmp(RmpTable.RMP_END) : 0x1fffn),
    [Msr.RMP_CFG]: () => rmp(RmpTable.RMP_CFG),
    [Msr.HWCR]: () => world(World.HWCR),
    [Msr.VM_HSAVE_PA]: () => world(World.VM_HSAVE_PA),
    [Msr.TSC]: () => world(World.STEPS),
  };
  const writable: Record<number, (value: bigint) => boolean> = {
    // Once SNP is enabled it is locked: a write that changes nothing is no fault. APM vol. 2, 15.36.2.
    [Msr.SYSCFG]: (value) => state(State.SNP_ENABLED) !== 0 || value === syscfg(),
    [Msr.HWCR]: (value) => {
      set(World.HWCR, value);
      return true;
    },
    [Msr.VM_HSAVE_PA]: (value) => {
      if (value & 0xfffn || value >> BigInt(state(State.ADDRESS_BITS))) return false;
      set(World.VM_HSAVE_PA, value);
      return true;
    },
  };
  return {
    rdmsr: (msr) => readable[msr]?.(),
    wrmsr: (msr, value) => writable[msr]?.(value) ?? false,
  };
}
