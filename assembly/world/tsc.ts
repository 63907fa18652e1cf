// The time-stamp counter as the running guest reads it: the hypervisor's offset, or under Secure TSC the guest's own scale and
// offset, which the firmware set. APM vol. 2, 15.30.5 and 15.36.18; spec digest vmcb-vmsa.md 5.
import * as Feature from "../../ts/abi/sev-features";
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit } from "../address";
import { register } from "./registers";
import { vmcbPlace } from "./vmcb";

/** The scale is a fixed-point number with 32 bits of fraction. */
const FRACTION: u64 = 32;
const LOW: u64 = 0xffffffff;

/** The machine's counter counts the steps of its guests. */
export function guestTsc(): u64 {
  const tsc = load<u64>(Memory.WORLD, World.STEPS);
  if (bit(load<u64>(Memory.WORLD, World.SEV_FEATURES), Feature.SECURE_TSC_BIT)) {
    return scaled(tsc, register(Vmsa.GUEST_TSC_SCALE)) + register(Vmsa.GUEST_TSC_OFFSET);
  }
  const vmcb = vmcbPlace();
  return vmcb ? tsc + load<u64>(vmcb, Vmcb.TSC_OFFSET) : tsc;
}

/** (a * b) >> 32, where the product may have more than 64 bits. */
function scaled(a: u64, b: u64): u64 {
  const high = (a >> FRACTION) * (b >> FRACTION);
  const middle = (a >> FRACTION) * (b & LOW) + (a & LOW) * (b >> FRACTION);
  return (high << FRACTION) + middle + (((a & LOW) * (b & LOW)) >> FRACTION);
}
