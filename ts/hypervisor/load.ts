// Loads a launch plan into a guest page by page: RMPUPDATE, LAUNCH_UPDATE, and the nested tables. Linux, arch/x86/kvm/svm/sev.c.
import * as PageInfo from "../abi/page-info.ts";
import { pagesOf, type Region, type RegionType } from "../launch/plan.ts";
import type { SnpLaunch } from "./launch.ts";
import type { NestedTables } from "./nested.ts";

const types: Readonly<Record<RegionType, number>> = {
  normal: PageInfo.NORMAL,
  vmsa: PageInfo.VMSA,
  zero: PageInfo.ZERO,
  unmeasured: PageInfo.UNMEASURED,
  secrets: PageInfo.SECRETS,
  cpuid: PageInfo.CPUID,
};

/** Loads every page of the plan, in its order, for that is what is measured. `page` gives a page of memory. */
export function loadPlan(
  plan: readonly Region[],
  { launch, nested, page }: { launch: SnpLaunch; nested: NestedTables; page: () => bigint },
): void {
  for (const { type, gpa, contents } of pagesOf(plan)) {
    const spa = page();
    launch.update(spa, gpa, types[type], contents);
    nested.map(gpa, spa, false);
  }
}
