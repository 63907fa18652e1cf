// CPUID in an SNP guest: the page that the firmware checked answers, not the hypervisor. AMD 56860, 7.1; Linux sev-shared.c.
import * as Entry from "../../abi/cpuid-entry.ts";
import * as Page from "../../abi/cpuid-page.ts";
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Cpu, Step } from "../cpu.ts";
import { cpuidRegister, terminate } from "./msr-protocol.ts";

export interface Leaf {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

interface Row extends Leaf {
  leaf: number;
  subleaf: number;
  xcr0: bigint;
  xss: bigint;
}

/** The page's entries, copied into the guest's own memory once. */
export interface CpuidTable {
  readonly rows: readonly Row[];
  /** The highest leaf of each range, as the page itself says. */
  readonly most: Readonly<Record<Range, number>>;
}

type Range = "standard" | "hypervisor" | "extended";
const FIRST: Record<Range, number> = { standard: 0, hypervisor: 0x40000000, extended: 0x80000000 };

// Leaves that ECX selects within. APM vol. 3, appendix E.
const INDEXED = new Set([
  0x4, 0x7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1d, 0x1e, 0x1f, 0x8000001d, 0x80000020,
  0x80000026,
]);

const XSTATE = 0xd;
// The legacy area and the XSAVE header, and the components beyond them. APM vol. 2, 11.5.2.
const XSAVE_AREA = 0x240;
const X87_AND_SSE = 3n;
const XSAVEC = 1 << 1;
const XSAVES = 1 << 3;
const OSXSAVE = 1 << 27;
const APIC_ENABLED = 1 << 9;
const OSPKE = 1 << 4;

const [EAX, EBX, ECX, EDX] = [0, 1, 2, 3] as const;

/** Reads the page. A count that it cannot have ends the guest, as nothing it says can be trusted then. */
export function* readCpuidPage(cpu: Cpu, gva: bigint): Step<CpuidTable> {
  const bytes = new Uint8Array(Page.SIZE);
  yield* cpu.read(gva, bytes);
  const view = new DataView(bytes.buffer);
  const count = view.getUint32(Page.COUNT, true);
  if (count === 0 || count > Page.MOST_ENTRIES)
    return yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_CPUID);
  const rows = Array.from({ length: count }, (_, i) => rowOf(view, Page.ENTRIES + i * Entry.SIZE));
  const most = (range: Range) => rows.find(({ leaf }) => leaf === FIRST[range])?.eax ?? 0;
  const ranges = { hypervisor: most("hypervisor"), extended: most("extended") };
  return { rows, most: { standard: most("standard"), ...ranges } };
}

function rowOf(view: DataView, at: number): Row {
  const word = (field: number) => view.getUint32(at + field, true);
  const quad = (field: number) => view.getBigUint64(at + field, true);
  return {
    leaf: word(Entry.EAX_IN),
    subleaf: word(Entry.ECX_IN),
    xcr0: quad(Entry.XCR0_IN),
    xss: quad(Entry.XSS_IN),
    eax: word(Entry.EAX),
    ebx: word(Entry.EBX),
    ecx: word(Entry.ECX),
    edx: word(Entry.EDX),
  };
}

/** What CPUID answers, or undefined when the page contradicts itself: an XSAVE area it does not describe. */
export function* cpuidOf(
  cpu: Cpu,
  table: CpuidTable,
  leaf: number,
  subleaf: number,
): Step<Leaf | undefined> {
  const row = find(table, leaf, subleaf);
  // A leaf whose registers are all zero may be left out of the page: it is there all the same when it is in range.
  if (!row && !inRange(table, leaf)) return { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const answer = row
    ? { eax: row.eax, ebx: row.ebx, ecx: row.ecx, edx: row.edx }
    : { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  return yield* completed(cpu, table, leaf, subleaf, answer);
}

function find({ rows }: CpuidTable, leaf: number, subleaf: number): Row | undefined {
  const indexed = INDEXED.has(leaf);
  for (const row of rows) {
    if (row.leaf !== leaf || (indexed && row.subleaf !== subleaf)) continue;
    // Of the XSAVE sizes only those of the smallest area count: the guest computes its own from them.
    const base = (row.xcr0 === 1n || row.xcr0 === X87_AND_SSE) && row.xss === 0n;
    if (leaf === XSTATE && subleaf <= 1 && !base) continue;
    return row;
  }
  return undefined;
}

function inRange({ most }: CpuidTable, leaf: number): boolean {
  const ranges = Object.keys(FIRST) as Range[];
  return ranges.some((range) => leaf >= FIRST[range] && leaf <= most[range]);
}

const has = (word: bigint, position: number) => ((word >> BigInt(position)) & 1n) === 1n;

/** Fills in what is the running vCPU's own. Its APIC ids come from the hypervisor, who schedules it: they are not secret. */
function* completed(
  cpu: Cpu,
  table: CpuidTable,
  leaf: number,
  subleaf: number,
  answer: Leaf,
): Step<Leaf | undefined> {
  const { cr4 } = cpu.registers;
  if (leaf === 0x1) {
    answer.ebx = mixed(answer.ebx, yield* cpuidRegister(cpu, leaf, EBX), 0xff000000);
    answer.edx = mixed(answer.edx, yield* cpuidRegister(cpu, leaf, EDX), APIC_ENABLED);
    if (has(cr4, Vmsa.CR4_OSXSAVE_BIT)) answer.ecx = (answer.ecx | OSXSAVE) >>> 0;
  } else if (leaf === 0x7) {
    answer.ecx = mixed(answer.ecx, has(cr4, Vmsa.CR4_PKE_BIT) ? OSPKE : 0, OSPKE);
  } else if (leaf === 0xb) {
    answer.edx = yield* cpuidRegister(cpu, leaf, EDX);
  } else if (leaf === 0x8000001e) {
    answer.eax = yield* cpuidRegister(cpu, leaf, EAX);
    answer.ebx = mixed(answer.ebx, yield* cpuidRegister(cpu, leaf, EBX), 0xff);
    answer.ecx = mixed(answer.ecx, yield* cpuidRegister(cpu, leaf, ECX), 0xff);
  } else if (leaf === XSTATE && subleaf <= 1) {
    const size = xsaveSize(cpu, table, subleaf, answer.eax);
    if (size === undefined) return undefined;
    answer.ebx = size;
  }
  return answer;
}

/** The bits of `own` but for those of the mask, which are the hypervisor's. */
const mixed = (own: number, theirs: number, mask: number): number =>
  ((own & ~mask) | (theirs & mask)) >>> 0;

/** The size of the XSAVE area for what is enabled, from the sizes of the components. */
function xsaveSize(
  cpu: Cpu,
  { rows }: CpuidTable,
  subleaf: number,
  eax: number,
): number | undefined {
  const { cr4, xcr0, xss } = cpu.registers;
  const compacted = subleaf === 1 && (eax & (XSAVEC | XSAVES)) !== 0;
  const supervisor = subleaf === 1 && (eax & XSAVES) !== 0 ? xss : 0n;
  const enabled = (has(cr4, Vmsa.CR4_OSXSAVE_BIT) ? xcr0 : 1n) | supervisor;
  let size = XSAVE_AREA;
  let found = 0n;
  for (const row of rows) {
    if (row.leaf !== XSTATE || row.subleaf < 2 || row.subleaf > 63) continue;
    const component = 1n << BigInt(row.subleaf);
    if ((enabled & component) === 0n || (found & component) !== 0n) continue;
    found |= component;
    size = compacted ? size + row.eax : Math.max(size, row.eax + row.ebx);
  }
  return found === (enabled & ~X87_AND_SSE) ? size : undefined;
}
