// Loads a launch plan into a guest page by page: memory, LAUNCH_UPDATE, and the nested tables. Linux, arch/x86/kvm/svm/sev.c.
import { pagesOf, type Region } from "../launch/plan.ts";
import type { HostPort } from "../port.ts";
import { cpuidPage } from "./cpuid-page.ts";
import type { Launch } from "./launch.ts";
import type { Pages } from "./pages.ts";
import type { Vm } from "./vm.ts";

const PAGE_MASK = ~0xfffn;
const ZEROS = new Uint8Array(0x1000);

/** Where a plan is loaded to, and what makes a vCPU of a save area. */
export interface LoadParts {
  vm: Vm;
  pages: Pages;
  host: HostPort;
  /** Undefined where guests are not encrypted: then the host writes what the plan says. */
  launch: Launch | undefined;
  /** Whether the host keeps its guests' memory under its own key (SME). */
  encrypted: boolean;
  load(state: Uint8Array): void;
}

/** Loads every page of the plan, in its order, for that is what is measured. Save areas get no guest address. */
export function loadPlan(plan: readonly Region[], parts: LoadParts): void {
  const { vm, pages, launch, host, encrypted } = parts;
  for (const piece of pagesOf(plan)) {
    if (piece.type === "vmsa") {
      parts.load(piece.contents ?? new Uint8Array(piece.bytes));
      continue;
    }
    const spa = pages.small();
    const own = piece.type === "cpuid" && piece.contents === undefined;
    const given = own ? { ...piece, contents: cpuidPage(vm.cpuid) } : piece;
    if (launch) launch.load(given, spa);
    else host.write(spa + (given.gpa & ~PAGE_MASK), given.contents ?? ZEROS, encrypted);
    vm.give(piece.gpa & PAGE_MASK, spa);
  }
}
