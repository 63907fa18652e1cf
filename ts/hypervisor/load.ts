// Loads a launch plan into a guest page by page: memory, LAUNCH_UPDATE, and the nested tables. Linux, arch/x86/kvm/svm/sev.c.
import { pagesOf, type Region } from "../launch/plan.ts";
import { cpuidPage } from "./cpuid-page.ts";
import type { Launch } from "./launch.ts";
import type { NestedTables } from "./nested.ts";
import type { Pages } from "./pages.ts";
import type { Vm } from "./vm.ts";

const PAGE_MASK = ~0xfffn;

/** Where a plan is loaded to, and what makes a vCPU of a save area. */
export interface LoadParts {
  vm: Vm;
  pages: Pages;
  nested: NestedTables;
  launch: Launch;
  load(state: Uint8Array): void;
}

/** Loads every page of the plan, in its order, for that is what is measured. Save areas get no guest address. */
export function loadPlan(plan: readonly Region[], parts: LoadParts): void {
  const { vm, pages, nested, launch } = parts;
  for (const piece of pagesOf(plan)) {
    if (piece.type === "vmsa") {
      parts.load(piece.contents ?? new Uint8Array(piece.bytes));
      continue;
    }
    const spa = vm.keep(pages.small());
    const own = piece.type === "cpuid" && piece.contents === undefined;
    launch.load(own ? { ...piece, contents: cpuidPage(vm.cpuid) } : piece, spa);
    nested.map(piece.gpa & PAGE_MASK, spa, false);
  }
}
