// Levels of one vCPU: each has a VMSA, a GHCB and a GHCB MSR of its own; the hypervisor enters the one asked for. AMD 56421, 4.1.15.
import * as Layout from "../../abi/ghcb.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import { refuse } from "./page.ts";
import type { Event } from "./state.ts";

/** Whether a level of a vCPU can be entered: it has a VMSA, or runs. */
export function hasLevel(vcpu: Vcpu, vmpl: number): boolean {
  const { levels, vmpl: running } = vcpu.ghcb;
  return levels[vmpl] !== undefined && (vmpl === running || levels[vmpl]?.vmsa !== undefined);
}

/** RUN_VMPL: the answer comes when the other level has given the vCPU back. */
export function runVmpl({ vcpu, page, info1 }: Event): Outcome {
  const vmpl = Number(info1);
  if (!hasLevel(vcpu, vmpl)) return refuse(page, Layout.INVALID_INPUT);
  vcpu.ghcb.wanted = vmpl;
  return "runs";
}

/** Enters the level that was asked for, once what the old one asked has been answered. */
export function switchLevel(vcpu: Vcpu): void {
  const { ghcb, vmcb } = vcpu;
  const { wanted } = ghcb;
  ghcb.wanted = undefined;
  if (wanted === undefined || wanted === ghcb.vmpl) return;
  const from = ghcb.levels[ghcb.vmpl];
  const to = ghcb.levels[wanted];
  if (!from || to?.vmsa === undefined) return;
  from.vmsa ??= vmcb.u64(Vmcb.VMSA_PTR);
  from.ghcb = vmcb.u64(Vmcb.GHCB_PA);
  vmcb.setU64(Vmcb.VMSA_PTR, to.vmsa);
  vmcb.setU64(Vmcb.GHCB_PA, to.ghcb);
  ghcb.vmpl = wanted;
}
