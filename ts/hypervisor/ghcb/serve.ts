// VMGEXIT: finds the GHCB, validates what the guest asks, does it, answers. KVM sev_handle_vmgexit; spec digest ghcb.md 2 and 3.
import * as Layout from "../../abi/ghcb.ts";
import * as Protocol from "../../abi/ghcb-msr.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import type { EventRow } from "./events.ts";
import { serveMsr } from "./msr-protocol.ts";
import { refuse } from "./page.ts";
import { switchLevel } from "./vmpl.ts";

const INFO = (1n << BigInt(Protocol.INFO_WIDTH)) - 1n;

const ALWAYS = [Layout.SW_EXITCODE, Layout.SW_EXITINFO1, Layout.SW_EXITINFO2] as const;

/** Serves exit 0x403 of a vCPU. */
export function serveVmgexit(vm: Vm, vcpu: Vcpu): Outcome {
  const gpa = vcpu.exit.ghcb;
  if ((gpa & INFO) !== 0n) return serveMsr(vm, vcpu, gpa);
  const { page } = vcpu.ghcb;
  // No GHCB, or none that could be mapped: the guest is run again, and finds that nothing was answered.
  const spa = gpa === 0n ? undefined : vm.spaOf(gpa);
  if (spa === undefined || !page.load(vm.host, spa)) return "runs";
  const { code } = page;
  const row = code === undefined ? undefined : vm.ghcb.events.get(code);
  const wrong = errorOf(vm, vcpu, gpa, row);
  page.echo(Layout.RAX);
  page.echo(Layout.RBX);
  page.echo(Layout.RCX);
  page.echo(Layout.RDX);
  const outcome = wrong === undefined ? act(row as EventRow, vm, vcpu, gpa) : refuse(page, wrong);
  page.store(vm.host, spa);
  switchLevel(vcpu);
  return outcome;
}

/** Why a GHCB is malformed, as SW_EXITINFO2 says it; undefined when it is not. */
function errorOf(vm: Vm, vcpu: Vcpu, gpa: bigint, row: EventRow | undefined): number | undefined {
  const { page, levels, vmpl } = vcpu.ghcb;
  if (vm.snp && levels[vmpl]?.registered !== gpa) return Layout.NOT_REGISTERED;
  if (page.usage !== Layout.USAGE_STANDARD) return Layout.INVALID_USAGE;
  for (const field of ALWAYS) if (!page.isValid(field)) return Layout.MISSING_INPUT;
  if (!row) return Layout.INVALID_EVENT;
  if (row.snp && !vm.snp) return Layout.MISSING_INPUT;
  for (const field of row.needs(page)) if (!page.isValid(field)) return Layout.MISSING_INPUT;
  return undefined;
}

function act(row: EventRow, vm: Vm, vcpu: Vcpu, gpa: bigint): Outcome {
  const { page } = vcpu.ghcb;
  const { info1, info2 } = page;
  page.answer(0n, 0n);
  return row.serve({ vm, vcpu, page, info1, info2, gpa });
}
