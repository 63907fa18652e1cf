// Features, and the two ways a guest ends itself by its GHCB. AMD 56421, 4.1.12, 4.1.13 and 4.1.14.
import * as Layout from "../../abi/ghcb.ts";
import { CheckFailed } from "../../error.ts";
import type { Outcome } from "../exits.ts";
import type { Event } from "./state.ts";

export function features({ vm, page }: Event): Outcome {
  page.answer(0n, vm.ghcb.features);
  return "runs";
}

export function terminate({ vm, info1 }: Event): Outcome {
  const info = Number(info1 & 0xfffn);
  const set = info & (2 ** Layout.TERMINATE_SET_WIDTH - 1);
  vm.ghcb.terminated = { set, code: info >>> Layout.TERMINATE_CODE_LSB };
  return "ends";
}

/** The guest met an exit that it cannot do: the hypervisor cannot either. */
export function unsupported({ vm, vcpu, info1, info2 }: Event): Outcome {
  const what = `#VC 0x${info1.toString(16)}, information 0x${info2.toString(16)}`;
  throw new CheckFailed(`ASID ${vm.asid}, vCPU ${vcpu.index}: the guest does not support ${what}`);
}
