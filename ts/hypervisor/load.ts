// Loads what a guest finds in its memory before its first instruction, page by page, through the launch where there is one.
// KVM's snp_launch_update and sev_launch_update_data; QEMU target/i386/sev.c.
import { Misuse } from "../error.ts";
import { pagesOf, type Region } from "../launch/plan.ts";
import type { HostPort } from "../port.ts";
import { cpuidPage } from "./cpuid-page.ts";
import type { Launch } from "./launch.ts";
import type { Vm } from "./vm.ts";

const PAGE = 0x1000;

/** What loading needs of the hypervisor. */
export interface LoadParts {
  host: HostPort;
  launch: Launch | undefined;
  /** A free page of system memory. */
  page: () => bigint;
  /** Whether the host keeps its guests' memory under its own key (SME). */
  encrypted: boolean;
}

/** Throws Misuse for a region that is no whole pages. */
export function checkRegion({ gpa, bytes }: Region): void {
  if (gpa % BigInt(PAGE) === 0n && bytes % PAGE === 0) return;
  throw new Misuse(`region at gpa 0x${gpa.toString(16)}: ${bytes} bytes, expected whole pages`);
}

/** Loads every page of a plan but the VMSAs, in its order, for that is what is measured. */
export function loadPlan(parts: LoadParts, vm: Vm, plan: readonly Region[]): void {
  const { host, launch, encrypted } = parts;
  for (const region of pagesOf(plan)) {
    const { type, gpa } = region;
    // Without SNP there are no such pages: the guest has nobody to fill them.
    if (type === "vmsa" || (!vm.snp && (type === "secrets" || type === "cpuid"))) continue;
    const spa = parts.page();
    const piece = new Uint8Array(PAGE);
    piece.set(region.contents ?? (type === "cpuid" ? cpuidPage(vm.cpuid) : []));
    host.write(spa, piece, encrypted);
    launch?.page(spa, gpa, region);
    vm.give(gpa, spa);
  }
}
