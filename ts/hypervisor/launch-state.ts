// The state a vCPU starts in, as QEMU and KVM make it: the reset state of an x86 processor. Spec digest vmcb-vmsa.md 3.
import * as Segment from "../abi/segment.ts";
import * as Vmsa from "../abi/vmsa.ts";

/** Where a boot vCPU starts: 16 bytes below 4 GiB. */
export const RESET_VECTOR = 0xffff_fff0n;

const DATA = 0x93;
const CODE = 0x9b;
const LOCAL_TABLE = 0x82;
const TASK = 0x8b;
const LIMIT = 0xffff;
const SEGMENTS: readonly [at: number, selector: number, attributes: number][] = [
  [Vmsa.ES, 0, DATA],
  [Vmsa.CS, 0xf000, CODE],
  [Vmsa.SS, 0, DATA],
  [Vmsa.DS, 0, DATA],
  [Vmsa.FS, 0, DATA],
  [Vmsa.GS, 0, DATA],
  [Vmsa.GDTR, 0, 0],
  [Vmsa.LDTR, 0, LOCAL_TABLE],
  [Vmsa.IDTR, 0, 0],
  [Vmsa.TR, 0, TASK],
];

/** A page laid out as ts/abi/vmsa.ts: a vCPU that starts at `eip`. `signature` is CPUID Fn0000_0001 EAX. */
export function launchState(eip: bigint, signature: number, sevFeatures: bigint): Uint8Array {
  const page = new Uint8Array(0x1000);
  const view = new DataView(page.buffer);
  for (const [at, selector, attributes] of SEGMENTS) {
    view.setUint16(at + Segment.SELECTOR, selector, true);
    view.setUint16(at + Segment.ATTRIB, attributes, true);
    view.setUint32(at + Segment.LIMIT, LIMIT, true);
  }
  const word = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  word(Vmsa.CS + Segment.BASE, eip & 0xffff0000n);
  word(Vmsa.EFER, 1n << BigInt(Vmsa.EFER_SVME_BIT));
  word(Vmsa.CR0, 0x10n);
  word(Vmsa.CR4, 0x40n);
  word(Vmsa.DR6, 0xffff0ff0n);
  word(Vmsa.DR7, 0x400n);
  word(Vmsa.RFLAGS, 2n);
  word(Vmsa.RIP, eip & 0xffffn);
  word(Vmsa.G_PAT, 0x0007040600070406n);
  word(Vmsa.RDX, BigInt(signature));
  word(Vmsa.SEV_FEATURES, sevFeatures);
  word(Vmsa.XCR0, 1n);
  view.setUint32(Vmsa.MXCSR, 0x1f80, true);
  view.setUint16(Vmsa.X87_FCW, 0x037f, true);
  return page;
}
