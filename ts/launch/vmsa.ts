// The VMSA page that each hypervisor launches a vCPU with. The launch measures every byte of it. Spec digest vmcb-vmsa.md 3.
import * as Segment from "../abi/segment.ts";
import * as Layout from "../abi/vmsa.ts";
import { Unimplemented } from "../error.ts";

export const vmmTypes = ["QEMU", "EC2", "GCE"] as const;
export type VmmType = (typeof vmmTypes)[number];

export interface VmsaOptions {
  readonly vmm: VmmType;
  /** Where the vCPU starts. */
  readonly eip: number;
  /** CPUID Fn0000_0001 EAX, which only QEMU puts into RDX. */
  readonly signature: number;
  /** SEV_FEATURES; 0 for SEV-ES. */
  readonly features: bigint;
}

/** The first processor's reset vector. APM vol. 2, 14.1.3. */
export const RESET_EIP = 0xfffffff0;

// Attributes in the VMCB's packed form. The accessed bit differs among hypervisors, and so does the measurement.
const READ_WRITE_DATA = 0x93;
const LDT = 0x82;
const LIMIT = 0xffff;

// Reset values (APM vol. 2, table 14-1), with what KVM adds: CR4.MCE, EFER.SVME.
const CR0_ET = 0x10n;
const CR4_MCE = 0x40n;
const EFER_SVME = 0x1000n;
const DR6 = 0xffff0ff0n;
const DR7 = 0x400n;
const RFLAGS = 2n;
const XCR0_X87 = 1n;
const PAT = 0x0007040600070406n;

interface Flavour {
  /** CS, by whether the vCPU is the first. */
  readonly code: (first: boolean) => number;
  readonly stack: number;
  readonly task: number;
  readonly pat: bigint;
  readonly rdx: (signature: number) => bigint;
  readonly mxcsr: number;
  readonly fcw: number;
}

const flavours: Readonly<Record<VmmType, Flavour>> = {
  QEMU: {
    code: () => 0x9b,
    stack: READ_WRITE_DATA,
    task: 0x8b,
    pat: PAT,
    rdx: BigInt,
    mxcsr: 0x1f80,
    fcw: 0x37f,
  },
  EC2: {
    code: (first) => (first ? 0x9a : 0x9b),
    stack: 0x92,
    task: 0x83,
    pat: PAT,
    rdx: () => 0x600n,
    mxcsr: 0,
    fcw: 0,
  },
  GCE: {
    code: () => 0x9b,
    stack: READ_WRITE_DATA,
    task: 0x8b,
    pat: 0x00070106n,
    rdx: () => 0x600n,
    mxcsr: 0,
    fcw: 0,
  },
};

/** The hypervisor of a name, as sev-snp-measure and snpguest spell them. */
export function vmmTypeOf(name: string): VmmType | undefined {
  if (name.toLowerCase() === "krun") {
    throw new Unimplemented(
      "VMM type krun: its VMSA is not published (libkrun starts no OVMF), expected QEMU, EC2 or GCE",
    );
  }
  return vmmTypes.find((type) => type.toLowerCase() === name.toLowerCase());
}

interface SegmentValue {
  readonly selector?: number;
  readonly attrib?: number;
  readonly limit?: number;
  readonly base?: number;
}

function putSegment(page: DataView, at: number, value: SegmentValue): void {
  page.setUint16(at + Segment.SELECTOR, value.selector ?? 0, true);
  page.setUint16(at + Segment.ATTRIB, value.attrib ?? 0, true);
  page.setUint32(at + Segment.LIMIT, value.limit ?? LIMIT, true);
  page.setBigUint64(at + Segment.BASE, BigInt(value.base ?? 0), true);
}

function putWords(page: DataView, words: readonly [number, bigint][]): void {
  for (const [at, value] of words) page.setBigUint64(at, value, true);
}

/** What every flavour has, and the SVSM's page too. */
function commonPage(features: bigint): DataView {
  const page = new DataView(new ArrayBuffer(Layout.SIZE));
  for (const table of [Layout.GDTR, Layout.IDTR]) putSegment(page, table, {});
  putSegment(page, Layout.LDTR, { attrib: LDT });
  putWords(page, [
    [Layout.EFER, EFER_SVME],
    [Layout.CR4, CR4_MCE],
    [Layout.DR6, DR6],
    [Layout.DR7, DR7],
    [Layout.RFLAGS, RFLAGS],
    [Layout.XCR0, XCR0_X87],
    [Layout.SEV_FEATURES, features],
  ]);
  return page;
}

const bytesOf = (page: DataView) => new Uint8Array(page.buffer as ArrayBuffer);

/** A vCPU at reset, 4096 bytes. */
export function vmsaPage(options: VmsaOptions): Uint8Array {
  const { eip, signature } = options;
  const flavour = flavours[options.vmm];
  const page = commonPage(options.features);
  for (const data of [Layout.ES, Layout.DS, Layout.FS, Layout.GS]) {
    putSegment(page, data, { attrib: READ_WRITE_DATA });
  }
  const base = eip - (eip % 0x10000);
  const attrib = flavour.code(eip === RESET_EIP);
  putSegment(page, Layout.CS, { selector: 0xf000, attrib, base });
  putSegment(page, Layout.SS, { attrib: flavour.stack });
  putSegment(page, Layout.TR, { attrib: flavour.task });
  putWords(page, [
    [Layout.CR0, CR0_ET],
    [Layout.RIP, BigInt(eip % 0x10000)],
    [Layout.G_PAT, flavour.pat],
    [Layout.RDX, flavour.rdx(signature)],
  ]);
  page.setUint32(Layout.MXCSR, flavour.mxcsr, true);
  page.setUint16(Layout.X87_FCW, flavour.fcw, true);
  return bytesOf(page);
}

/** A vCPU that starts in Coconut's SVSM, in protected mode with flat segments, 4096 bytes. Coconut's QEMU, target/i386/sev.c. */
export function svsmVmsaPage(eip: number, signature: number): Uint8Array {
  const flat = { attrib: 0xc93, limit: 0xffffffff };
  const page = commonPage(1n);
  for (const data of [Layout.ES, Layout.SS, Layout.DS, Layout.FS]) {
    putSegment(page, data, { ...flat, selector: 0x10 });
  }
  putSegment(page, Layout.CS, { ...flat, selector: 8, attrib: 0xc9b });
  putSegment(page, Layout.GS, { attrib: READ_WRITE_DATA });
  putSegment(page, Layout.TR, { attrib: 0x8b });
  putWords(page, [
    [Layout.CR0, CR0_ET | 1n],
    [Layout.RIP, BigInt(eip)],
    [Layout.G_PAT, PAT],
    [Layout.RDX, BigInt(signature)],
  ]);
  page.setUint32(Layout.MXCSR, 0x1f80, true);
  return bytesOf(page);
}
