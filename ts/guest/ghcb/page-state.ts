// Page state changes: a page is given up before it is shared, accepted after it is private. AMD 56421, 4.1.6; Linux coco/sev.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Protocol from "../../abi/ghcb-msr.ts";
import * as Psc from "../../abi/page-state-change.ts";
import * as Answer from "../../abi/rmp-state.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { SevGuest } from "../sev.ts";
import { svsmPvalidate } from "../svsm/call.ts";
import { terminate } from "./msr-protocol.ts";

/** One page to change. `gva` is a private mapping of `gpa`. */
export interface Change {
  gva: bigint;
  gpa: bigint;
  large: boolean;
}

const PAGE = 0x1000n;
const LARGE = 0x200000n;
const SMALL_PAGES = 512n;
const BUFFER = BigInt(Layout.SHARED_BUFFER);
// All of an entry but the hypervisor's progress in it.
const ASKED = ~((1n << BigInt(Psc.CUR_PAGE_WIDTH)) - 1n);

const failPsc = (cpu: Cpu) => terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PSC);

/** PVALIDATE, below VMPL0 by the SVSM. A page that is in that state already was swapped: it ends the guest. */
export function* pvalidate(cpu: Cpu, guest: SevGuest, change: Change, validate: boolean): Step {
  const { gva, gpa, large } = change;
  if (guest.svsm) {
    if (yield* svsmPvalidate(cpu, guest.svsm, [change], validate)) return;
    return yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PVALIDATE);
  }
  const { eax, carry } = yield* cpu.pvalidate(gva, large, validate);
  if (large && eax === Answer.FAIL_SIZEMISMATCH) {
    for (let at = 0n; at < LARGE; at += PAGE)
      yield* pvalidate(cpu, guest, { gva: gva + at, gpa: gpa + at, large: false }, validate);
    return;
  }
  if (eax === Answer.SUCCESS && !carry) return;
  yield* terminate(cpu, Protocol.SET_LINUX, Protocol.LINUX_PVALIDATE);
}

/** RMPADJUST: what a lower level may do with a page, or whether it is a VMSA. Answers EAX. */
export function* rmpadjust(
  cpu: Cpu,
  gva: bigint,
  large: boolean,
  to: { vmpl: number; permissions: number; vmsa: boolean },
): Step<number> {
  return yield* cpu.rmpadjust(gva, large, to);
}

/** Asks the hypervisor to change pages, up to 253 a batch, until it says that all of a batch are done. */
export function* changeStates(
  cpu: Cpu,
  guest: SevGuest,
  changes: readonly Change[],
  operation: number,
): Step {
  for (let at = 0; at < changes.length; at += Psc.ENTRIES) {
    const batch = changes.slice(at, at + Psc.ENTRIES);
    yield* guest.ghcb.alone(cpu, () => changeBatch(cpu, guest, batch, operation));
  }
}

function* changeBatch(
  cpu: Cpu,
  { ghcb }: SevGuest,
  batch: readonly Change[],
  operation: number,
): Step {
  const bytes = new Uint8Array(Psc.SIZE + batch.length * Psc.ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  const last = batch.length - 1;
  view.setUint16(Psc.END_ENTRY, last, true);
  const asked = batch.map((change) => entryOf(change, operation));
  asked.forEach((entry, i) => {
    view.setBigUint64(Psc.SIZE + i * Psc.ENTRY_SIZE, entry, true);
  });
  yield* cpu.write(ghcb.gva + BUFFER, bytes);
  let current = 0;
  do {
    ghcb.clear();
    ghcb.set(Layout.SW_SCRATCH, ghcb.gpa + BUFFER);
    const verdict = yield* ghcb.call(cpu, Code.VMGEXIT_PSC, 0n, 0n);
    if (verdict !== "ok" || !ghcb.has(Layout.SW_EXITINFO2)) return yield* failPsc(cpu);
    if (ghcb.get(Layout.SW_EXITINFO2) !== 0n) return yield* failPsc(cpu);
    yield* cpu.read(ghcb.gva + BUFFER, bytes);
    if (!isHonest(view, asked, current)) return yield* failPsc(cpu);
    current = view.getUint16(Psc.CUR_ENTRY, true);
  } while (current <= last);
}

function entryOf({ gpa, large }: Change, operation: number): bigint {
  const size = large ? 1n << BigInt(Psc.PAGE_SIZE_BIT) : 0n;
  return gpa | (BigInt(operation) << BigInt(Psc.OPERATION_LSB)) | size;
}

/** Progress only goes forward, within the batch, and nothing of what was asked for has changed. */
function isHonest(view: DataView, asked: readonly bigint[], before: number): boolean {
  const current = view.getUint16(Psc.CUR_ENTRY, true);
  if (view.getUint32(Psc.RESERVED_4, true) !== 0) return false;
  if (view.getUint16(Psc.END_ENTRY, true) !== asked.length - 1) return false;
  if (current < before || current > asked.length) return false;
  return asked.every(
    (entry, i) => (view.getBigUint64(Psc.SIZE + i * Psc.ENTRY_SIZE, true) & ASKED) === entry,
  );
}

/** The pages from a gva on, large ones where the guest maps them so and all of one is meant. */
function* pagesFrom(cpu: Cpu, guest: SevGuest, gva: bigint, pages: bigint): Step<Change[]> {
  const changes: Change[] = [];
  const end = gva + pages * PAGE;
  for (let at = gva; at < end; ) {
    const found = yield* guest.pages.translate(cpu, at);
    if (!found) return yield* failPsc(cpu);
    const large = found.large && at % LARGE === 0n && end - at >= SMALL_PAGES * PAGE;
    changes.push({ gva: at, gpa: found.gpa, large });
    at += large ? LARGE : PAGE;
  }
  return changes;
}

/** Linux's function of this name: rescinds validation, then gives the pages to the hypervisor. The C-bit is cleared after it. */
export function* snp_set_memory_shared(
  cpu: Cpu,
  guest: SevGuest,
  gva: bigint,
  pages: bigint,
): Step {
  const changes = yield* pagesFrom(cpu, guest, gva, pages);
  for (const change of changes) yield* pvalidate(cpu, guest, change, false);
  yield* changeStates(cpu, guest, changes, Psc.SHARED);
}

/** Linux's function of this name: takes the pages back, then validates them. The C-bit is set before it. */
export function* snp_set_memory_private(
  cpu: Cpu,
  guest: SevGuest,
  gva: bigint,
  pages: bigint,
): Step {
  const changes = yield* pagesFrom(cpu, guest, gva, pages);
  yield* changeStates(cpu, guest, changes, Psc.PRIVATE);
  for (const change of changes) yield* pvalidate(cpu, guest, change, true);
}

/** Shares pages with the hypervisor, C-bit and all. What they held is lost. Linux: set_memory_decrypted. */
export function* setMemoryDecrypted(cpu: Cpu, guest: SevGuest, gva: bigint, pages: bigint): Step {
  if (cpu.features.snp) yield* snp_set_memory_shared(cpu, guest, gva, pages);
  yield* setEncrypted(cpu, guest, gva, pages, false);
}

/** Takes pages back from the hypervisor. What they held is lost. Linux: set_memory_encrypted. */
export function* setMemoryEncrypted(cpu: Cpu, guest: SevGuest, gva: bigint, pages: bigint): Step {
  yield* setEncrypted(cpu, guest, gva, pages, true);
  if (cpu.features.snp) yield* snp_set_memory_private(cpu, guest, gva, pages);
}

function* setEncrypted(
  cpu: Cpu,
  guest: SevGuest,
  gva: bigint,
  pages: bigint,
  encrypted: boolean,
): Step {
  for (let at = gva; at < gva + pages * PAGE; ) {
    const found = yield* guest.pages.translate(cpu, at);
    yield* guest.pages.setEncrypted(cpu, at, encrypted);
    at = found?.large ? (at | (LARGE - 1n)) + 1n : at + PAGE;
  }
}
