// QUERY_PROTOCOL: RCX names a protocol and a version; answered with the versions there are, 0 for none. AMD 58019, 4.7.
import * as Layout from "../../abi/svsm.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { Call, Svsm } from "./svsm.ts";

const LOW = 0xffff_ffffn;
const HALF = 32n;

// biome-ignore lint/correctness/useYield: needs nothing of the CPU
export function* queryProtocol(_cpu: Cpu, _svsm: Svsm, call: Call): Step<number> {
  const version = BigInt(Layout.CORE_VERSION);
  const known = call.rcx >> HALF === BigInt(Layout.PROTOCOL_CORE) && (call.rcx & LOW) === version;
  call.rcx = known ? (version << HALF) | version : 0n;
  return Layout.SUCCESS;
}
