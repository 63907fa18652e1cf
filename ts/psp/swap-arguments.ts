// What SNP_PAGE_SWAP_OUT and SNP_PAGE_SWAP_IN are both told, and refuse alike. AMD 56860, 8.
import type * as SwapIn from "../abi/psp/snp-page-swap-in.ts";
import type * as SwapOut from "../abi/psp/snp-page-swap-out.ts";
import * as SwapType from "../abi/psp/swap-type.ts";
import * as Status from "../abi/status.ts";
import { bitOf } from "../layout.ts";
import type { SnpGuestCall } from "./command.ts";
import { LARGE, PAGE } from "./memory.ts";
import { forbidsSwap } from "./policy.ts";

export interface SwapArguments {
  /** A field of the buffer, 8 bytes. */
  word(at: number): bigint;
  flags: bigint;
  /** One of SwapType. */
  type: number;
  large: boolean;
  /** Of the page. */
  bytes: number;
  /** Whether the page's entry is in the guest's context. */
  root: boolean;
}

/** The flags of a buffer, taken apart, or why no page of this guest may be swapped so. */
export function swapArguments(
  { psp, guest, buffer }: SnpGuestCall,
  layout: typeof SwapIn | typeof SwapOut,
): SwapArguments | number {
  const word = (at: number) => buffer.getBigUint64(at, true);
  const flags = word(layout.FLAGS);
  const type = Number(flags >> BigInt(layout.PAGE_TYPE_LSB)) & (2 ** layout.PAGE_TYPE_WIDTH - 1);
  const large = bitOf(flags, layout.PAGE_SIZE_BIT);
  if (forbidsSwap(psp.platform, guest.policy)) return Status.POLICY_FAILURE;
  if (guest.asid === 0) return Status.INACTIVE;
  if (type > SwapType.VMSA || (large && type !== SwapType.DATA)) return Status.INVALID_PARAM;
  const root = bitOf(flags, layout.ROOT_MDATA_EN_BIT);
  return { word, flags, type, large, bytes: large ? LARGE : PAGE, root };
}
