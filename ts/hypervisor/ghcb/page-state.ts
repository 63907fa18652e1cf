// A page state change: memory behind the page, the RMP, and nested mappings of the RMP's size. KVM's #NPF and gmem.
import * as Answer from "../../abi/rmp-state.ts";
import type { HostPort } from "../../port.ts";
import type { NestedTables } from "../nested.ts";

/** What of a VM it needs. */
export interface Backing {
  host: HostPort;
  nested: NestedTables;
  asid: number;
  /** Gives memory to a gpa that has none. */
  back(gpa: bigint, priv: boolean): void;
}

const PAGE = 0x1000n;
const LARGE = 0x200000n;

/** Makes a page, or a 2 MiB page, private or shared. False: the RMP would not have it. */
export function setPageState(
  backing: Backing,
  gpa: bigint,
  large: boolean,
  shared: boolean,
): boolean {
  const { nested } = backing;
  if (nested.spaOf(gpa) === undefined) backing.back(gpa, !shared);
  const mapped = nested.isLarge(gpa);
  if (large && mapped) return update(backing, gpa, true, shared);
  if (!large) {
    if (mapped) split(backing, gpa & ~(LARGE - 1n));
    return update(backing, gpa, false, shared);
  }
  for (let at = gpa; at < gpa + LARGE; at += PAGE)
    if (!setPageState(backing, at, false, shared)) return false;
  return true;
}

/** One 2 MiB page becomes 512: in the RMP if it is assigned, and in the nested tables. */
function split({ host, nested }: Backing, base: bigint): void {
  host.psmash(nested.spaOf(base) as bigint);
  nested.split(base);
}

function update({ host, nested, asid }: Backing, gpa: bigint, large: boolean, shared: boolean) {
  const spa = nested.spaOf(gpa);
  if (spa === undefined) return false;
  const pageSize = large ? "2m" : "4k";
  const state = shared
    ? { gpa: 0n, assigned: false, pageSize, immutable: false, asid: 0 }
    : { gpa, assigned: true, pageSize, immutable: false, asid };
  return host.rmpupdate(spa, state as Parameters<HostPort["rmpupdate"]>[1]) === Answer.SUCCESS;
}
