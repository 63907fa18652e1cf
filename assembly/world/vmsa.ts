// What VMRUN asks of a VMSA. APM vol. 2, 15.35.7 and 15.36.12; spec digest vmcb-vmsa.md 5 and rmp.md 6.
import * as Exit from "../../ts/abi/exit";
import * as Feature from "../../ts/abi/sev-features";
import * as Memory from "../../ts/abi/memory";
import * as Rmp from "../../ts/abi/rmp";
import * as Vcpu from "../../ts/abi/vcpu";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit } from "../address";
import { isUntampered } from "./checksum";
import { isDram } from "../dram";
import { asidOf, isEnabled, isHypervisorOwned, isInUse, lowOf } from "../rmp";
import { control, isPageAligned } from "./vmcb";

/** Before it is opened: the pointer, and who owns the page. */
export function isVmsaUsable(vmcb: usize, page: u32, asid: u32): bool {
  if (!isPageAligned(load<u64>(vmcb, Vmcb.VMSA_PTR))) return false;
  if (!isDram(page)) return false;
  if (!control(vmcb, Vmcb.VIRT_EXT, Vmcb.LBR_BIT)) return false;
  if (!isEnabled() || isHypervisorOwned(page, false)) return true;
  const low = lowOf(page);
  if (isInUse(page)) return false;
  if (asidOf(low) != asid) return false;
  if (bit(low, Rmp.PAGE_SIZE_BIT)) return false;
  if (bit(low, Rmp.IMMUTABLE_BIT)) return false;
  if (!bit(low, Rmp.VMSA_BIT)) return false;
  if (!bit(low, Rmp.VALIDATED_BIT)) return false;
  return true;
}

export function featuresOfVmsa(vmsa: usize): u64 {
  return load<u64>(vmsa, Vmsa.SEV_FEATURES);
}

export function isDebugSwap(features: u64): bool {
  return bit(features, Feature.DEBUG_SWAP_BIT);
}

export function vmplOfVmsa(vmsa: usize): u32 {
  return load<u8>(vmsa, Vmsa.VMPL);
}

/** Once it is open: 0, or the exit code of what it lacks. */
export function verdictOnVmsa(vmcb: usize, vmsa: usize, page: u32, asid: u32): i64 {
  const features = featuresOfVmsa(vmsa);
  const snp = bit(features, Feature.SNP_ACTIVE_BIT);
  const vmpl = vmplOfVmsa(vmsa);
  const allowed = load<u64>(vmcb, Vmcb.ALLOWED_SEV_FEATURES);
  // A page of the guest's is an SNP guest's; one of the hypervisor's is not, and the silicon keeps its checksum.
  if (snp != (isEnabled() && !isHypervisorOwned(page, false))) return Exit.VMEXIT_INVALID;
  if (!snp && !isUntampered(page, vmsa)) return Exit.VMEXIT_INVALID;
  if (features & ~load<u64>(Memory.WORLD, World.SUPPORTED_FEATURES)) return Exit.VMEXIT_INVALID;
  if (bit(allowed, Vmcb.ALLOWED_ENABLE_BIT) && features & ~allowed) return Exit.VMEXIT_INVALID;
  if (vmpl >= u32(Vcpu.VMPLS)) return Exit.VMEXIT_INVALID;
  if (vmpl != 0 && !snp) return Exit.VMEXIT_INVALID;
  return verdictOnInjection(vmcb, vmsa, features);
}

function verdictOnInjection(vmcb: usize, vmsa: usize, features: u64): i64 {
  const restricted = bit(features, Feature.RESTRICTED_INJECTION_BIT);
  const alternate = bit(features, Feature.ALTERNATE_INJECTION_BIT);
  const avic = bit(load<u32>(vmcb, Vmcb.INT_CTL), Vmcb.AVIC_BIT);
  const busy = bit(load<u64>(vmsa, Vmsa.VINTR_CTRL), Vmsa.BUSY_BIT);
  if (restricted && alternate) return Exit.VMEXIT_INVALID;
  if (restricted && avic) return Exit.VMEXIT_INVALID;
  if (alternate && avic) return Exit.VMEXIT_INVALID;
  if (alternate && busy) return Exit.VMEXIT_BUSY;
  if (bit(features, Feature.SMT_PROTECTION_BIT) && !isSiblingIdle())
    return Exit.VMEXIT_IDLE_REQUIRED;
  return 0;
}

function isSiblingIdle(): bool {
  return load<u32>(Memory.WORLD, World.SIBLING_BUSY) == 0;
}

/** Whether the guest ran elsewhere last, or never: then nothing that is remembered of its ASID holds. APM vol. 2, 15.36.7. */
export function isTlbForeign(vmsa: usize): bool {
  return load<u64>(vmsa, Vmsa.PCPU_ID) != CPU || load<u64>(vmsa, Vmsa.TLB_ID) != CPU;
}

/** The machine's only core. */
export const CPU: u64 = 1;
