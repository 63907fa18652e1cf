// REMAP_CA: the vCPU's calling area moves to another page of the guest's. AMD 58019, 4.1.
import * as Layout from "../../abi/svsm.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Call, Svsm } from "./svsm.ts";

export function* remapCa(cpu: Cpu, svsm: Svsm, call: Call): Step<number> {
  if (!svsm.isGuestPage(call.rcx)) return Layout.INVALID_PARAMETER;
  // Nothing pending there, whatever stood in the page.
  yield* cpu.write(svsm.gva(call.rcx), new Uint8Array(Layout.BUFFER));
  call.from.callingArea = call.rcx;
  return Layout.SUCCESS;
}
