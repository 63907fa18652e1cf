// PVALIDATE: the guest accepts a page, or gives it up. APM vol. 3, PVALIDATE; spec digest rmp.md 4.5.
import * as Answer from "../../ts/abi/rmp-answer";
import * as Events from "../../ts/abi/events";
import * as Exit from "../../ts/abi/exit";
import * as Rmp from "../../ts/abi/rmp";
import * as RmpState from "../../ts/abi/rmp-state";
import { bit, mask } from "../address";
import { count } from "../events";
import { exception } from "../exit";
import { settle } from "../page";
import { highOf, put } from "../rmp";
import { isGuestLarge } from "../walk";
import {
  findEntry,
  findGpa,
  found,
  isGuestKernel,
  isLarge,
  LARGE_OFFSET,
  low,
  pages,
  refuse,
  vmpl,
} from "./guest-page";

const CARRY: u32 = 1 << Answer.CARRY_BIT;

/** RAX = gva, ECX = size (0: 4 KiB, 1: 2 MiB), EDX bit 0 = validate. Answers as ts/abi/rmp-answer.ts. */
export function pvalidate(gva: u64, size: u32, validate: bool): u32 {
  if (!isGuestKernel(true, gva)) return Answer.REFUSED;
  // UNCERTAIN which fault VMPL 1 to 3 get; #GP(0) as for CPL.
  if (vmpl() != 0) return refuse(exception(Exit.GP, 0, 0), gva, 0);
  if (size > 1 || (size == 1 && gva & LARGE_OFFSET)) return RmpState.FAIL_INPUT;
  const walked = findGpa(gva);
  if (walked != RmpState.SUCCESS) return walked;
  if (!findEntry(gva, size)) return Answer.REFUSED;
  if (size == 1 && (!isLarge || !isGuestLarge)) return RmpState.FAIL_SIZEMISMATCH;
  if (bit(low, Rmp.VALIDATED_BIT) == validate) return RmpState.SUCCESS | CARRY;
  count(Events.PVALIDATES, 1);
  // A page given up must not stay reachable by a remembered walk.
  if (!validate) for (let i: u32 = 0; i < pages; i++) settle(found + i);
  put(found, low ^ mask(Rmp.VALIDATED_BIT), highOf(found));
  return RmpState.SUCCESS;
}
