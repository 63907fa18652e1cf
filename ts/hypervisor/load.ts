// Loads a launch plan into a guest page by page: RMPUPDATE, LAUNCH_UPDATE, and the nested tables. Linux, arch/x86/kvm/svm/sev.c.
import * as PageInfo from "../abi/page-info.ts";
import { pagesOf, type Region, type RegionType } from "../launch/plan.ts";
import type { SnpLaunch, SnpLaunchOptions } from "./launch.ts";
import type { NestedTables } from "./nested.ts";
import type { Pages } from "./pages.ts";

/** A launch that loads something before the guest's first instruction. */
export interface VmLaunch extends SnpLaunchOptions {
  readonly plan?: readonly Region[];
  /** What the hypervisor says of the processor, 4096 bytes; the firmware refuses what is not safe to believe. */
  readonly cpuidPage?: Uint8Array;
}

const types: Readonly<Record<RegionType, number>> = {
  normal: PageInfo.NORMAL,
  vmsa: PageInfo.VMSA,
  zero: PageInfo.ZERO,
  unmeasured: PageInfo.UNMEASURED,
  secrets: PageInfo.SECRETS,
  cpuid: PageInfo.CPUID,
};

/** Loads every page of the plan. Answers where the save areas are, in the order of the vCPUs; no guest address leads there. */
export function loadSnp(
  { pages, nested }: { pages: Pages; nested: NestedTables },
  snp: SnpLaunch,
  launch: VmLaunch,
): bigint[] {
  const saveAreas: bigint[] = [];
  for (const { type, gpa, contents } of pagesOf(launch.plan ?? [])) {
    const spa = pages.small();
    const given = type === "cpuid" ? launch.cpuidPage : contents;
    snp.update(spa, gpa, types[type], given);
    if (type === "vmsa") saveAreas.push(spa);
    else nested.map(gpa, spa, false);
  }
  return saveAreas;
}
