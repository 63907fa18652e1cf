// The guest's TSM class device: a device is locked, looked at, accepted and given up, by the nodes that Linux's devsec TSM has.
// What the guest believes of it comes from the firmware's digests and the device's signature, never from the host.
// Documentation/ABI/testing/ sysfs-bus-pci; AMD's sev_guest_tio.c of 2025.

import * as Tio from "../../abi/ghcb-tio.ts";
import * as Range from "../../abi/tdisp-mmio-range.ts";
import * as Told from "../../abi/tio-message.ts";
import type { Clock } from "../../clock.ts";
import { BadInput, CheckFailed } from "../../error.ts";
import { Errno } from "../../linux/errno.ts";
import { nodeOf, pciName } from "../../linux/pci-name.ts";
import type { Curves } from "../../spdm/crypto.ts";
import { interfaceReport, type ReportedRange } from "../../tsm/tdisp.ts";
import type { Cpu, Step } from "../cpu.ts";
import { MessageFailed } from "../messages.ts";
import type { SevGuest } from "../sev.ts";
import { type Attested, evidenceOf, matchDigests, verifyEvidence } from "./evidence.ts";
import type { TioMessages } from "./messages.ts";
import { tioOperation } from "./request.ts";

/** A device as the guest's PCI bus shows it. */
export interface GuestDevice {
  rid: number;
  /** Where its BARs are, by index. */
  bars: readonly { index: number; gpa: bigint }[];
}

export interface GuestTsmOptions {
  /** The phase of the guest's kernel: 2 locks and starts, 3 makes MMIO and DMA private, 4 verifies evidence. */
  phase: 2 | 3 | 4;
  /** 32 fresh bytes, for the device to sign over. */
  nonce: () => Uint8Array;
  /** DER roots to believe. None: chains are checked, their root is not. */
  roots?: Uint8Array[];
  /** The guest's calendar. None: certificates' dates are not checked. */
  clock?: Clock;
  /** What signatures are verified with; default noble's. */
  curves?: Curves;
  /** A last look at a device that has proved itself; throws to refuse it. */
  judge?: (attested: Attested) => void;
  /** From here on a device's requests are for shared memory; without one all are for private. */
  vTom?: bigint;
}

type State = "unlocked" | "locked" | "run";

interface Kept {
  device: GuestDevice;
  state: State;
  ranges: ReportedRange[];
  /** A driver has it. */
  driver: boolean;
  attested: Attested | undefined;
}

/** Pages of a range: where they are, and which of the range's they are. */
interface Piece {
  id: number;
  offset: number;
  gpa: bigint;
  pages: number;
}

const NAME = "tsm0";
const LINE = "\n";
const PAGE = 0x1000n;
const NOT_OURS =
  (1 << Range.MSI_X_TABLE_BIT) | (1 << Range.MSI_X_PBA_BIT) | (1 << Range.IS_NON_TEE_MEM_BIT);
const bit = (position: number) => 1n << BigInt(position);
const lineOf = (text: string) => text.replace(/\n$/, "");

export class GuestTsm {
  readonly #cpu: Cpu;
  readonly #guest: SevGuest;
  readonly #messages: TioMessages;
  readonly #options: GuestTsmOptions;
  readonly #devices = new Map<number, Kept>();

  constructor(cpu: Cpu, guest: SevGuest, messages: TioMessages, options: GuestTsmOptions) {
    this.#cpu = cpu;
    this.#guest = guest;
    this.#messages = messages;
    this.#options = options;
  }

  /** A device appears on the guest's bus. */
  add(device: GuestDevice): void {
    const { rid } = device;
    const state = "unlocked";
    this.#devices.set(rid, { device, state, ranges: [], driver: false, attested: undefined });
  }

  /** What its evidence proved; undefined before phase 4, and while it is not locked. */
  attested(rid: number): Attested | undefined {
    return this.#devices.get(rid)?.attested;
  }

  /** A driver takes the device, or lets it go. */
  setDriver(rid: number, bound: boolean): void {
    this.#kept(rid).driver = bound;
  }

  #kept(rid: number): Kept {
    const kept = this.#devices.get(rid);
    if (!kept) throw new Errno("ENOENT", pciName(rid));
    return kept;
  }

  /** The content of a node. */
  read(path: string): string {
    const { kept, node } = this.#nodeAt(path);
    if (node === "tsm/unlock") throw new Errno("EACCES", path);
    if (node === "tsm/lock") return (kept.state === "unlocked" ? "" : NAME) + LINE;
    return (kept.state === "run" ? "1" : "0") + LINE;
  }

  *write(path: string, text: string): Step {
    const { kept, node } = this.#nodeAt(path);
    if (node === "tsm/lock") yield* this.#lock(kept, lineOf(text));
    else if (node === "tsm/unlock") yield* this.#unlock(kept, lineOf(text));
    else yield* this.#accept(kept, lineOf(text));
  }

  #nodeAt(path: string): { kept: Kept; node: string } {
    const found = nodeOf(path);
    const kept = found && this.#devices.get(found.bdf);
    if (!kept || !/^tsm\/(lock|unlock|accept)$/.test(found.node)) throw new Errno("ENOENT", path);
    return { kept, node: found.node };
  }

  *#lock(kept: Kept, name: string): Step {
    if (!/^tsm\d+$/.test(name)) throw new Errno("EINVAL", `"${name}", expected tsm<n>`);
    const { rid } = kept.device;
    if (kept.driver || kept.state !== "unlocked") throw new Errno("EBUSY", pciName(rid));
    if (name !== NAME) throw new Errno("ENXIO", `${name}: no such TSM`);
    yield* this.#operate(rid, Tio.OP_BIND);
    try {
      yield* this.#examine(kept);
    } catch (error) {
      yield* this.#operate(rid, Tio.OP_UNBIND);
      if (error instanceof BadInput || error instanceof MessageFailed)
        throw new Errno("EIO", `${pciName(rid)}: ${error.message}`);
      throw error;
    }
    kept.state = "locked";
  }

  *#operate(rid: number, operation: number): Step {
    const status = yield* tioOperation(this.#cpu, this.#guest, operation, rid);
    if (status === undefined) throw new Errno("ENXIO", `${pciName(rid)}: the host has no TSM`);
    if (status !== 0) throw new Errno("EIO", `${pciName(rid)}: status 0x${status.toString(16)}`);
  }

  /** Looks at a device that is locked: nobody changes it any more without its going to ERROR. */
  *#examine(kept: Kept): Step {
    const { phase, nonce, roots, clock, judge } = this.#options;
    const { rid } = kept.device;
    const asked = nonce();
    const full = phase >= 4 ? bit(Tio.WANT_CERTIFICATES_BIT) | bit(Tio.WANT_MEASUREMENTS_BIT) : 0n;
    const wanted = bit(Tio.WANT_STATE_BIT) | bit(Tio.WANT_REPORT_BIT) | full;
    const { info, evidence: table } = yield* this.#messages.info(rid, wanted, asked);
    if (info.status !== Told.INFO_BOUND)
      throw new BadInput(`TDI_INFO: status ${info.status}, expected 0: the firmware knows no lock`);
    const evidence = evidenceOf(table);
    if (!evidence.report) throw new BadInput("evidence: no report");
    matchDigests(evidence, info);
    if (phase >= 4) {
      const { curves } = this.#options;
      kept.attested = verifyEvidence(evidence, asked, { roots, now: clock?.now(), curves });
      judge?.(kept.attested);
    }
    kept.ranges = interfaceReport(evidence.report).ranges;
  }

  *#accept(kept: Kept, text: string): Step {
    if (!/^(1|y|Y|yes|true|on)$/.test(text)) throw new Errno("EINVAL", `"${text}", expected 1`);
    const { rid } = kept.device;
    if (kept.state === "run") throw new Errno("EBUSY", `${pciName(rid)}: accepted already`);
    if (kept.state !== "locked") throw new Errno("ENXIO", `${pciName(rid)}: not locked`);
    yield* this.#operate(rid, Tio.OP_RUN);
    kept.state = "run";
    if (this.#options.phase < 3) return;
    const { vTom } = this.#options;
    const entry = { vmpl: this.#messages.vmpl, read: true, write: true, vTom };
    const status = yield* this.#messages.sdte(rid, entry);
    if (status !== Told.SDTE_SUCCESS) throw new Errno("EIO", `SDTE_WRITE: status ${status}`);
    for (const piece of pieces(kept)) yield* this.#validate(rid, piece, true);
  }

  /** The pages change in the RMP, then in the guest's own tables. */
  *#validate(rid: number, piece: Piece, on: boolean): Step {
    const { gpa, pages, id } = piece;
    const order = BigInt(Math.log2(pages)) << BigInt(Tio.MMIO_ORDER_LSB);
    const priv = on ? bit(Tio.MMIO_PRIVATE_BIT) : 0n;
    const param = gpa | order | priv | (BigInt(id) & (bit(Tio.MMIO_RANGE_WIDTH) - 1n));
    if (!on) yield* this.#map(piece, false);
    const status = yield* this.#messages.validate(rid, piece, on, param);
    if (status !== Told.VALIDATE_SUCCESS)
      throw new Errno("EIO", `MMIO_VALIDATE of gpa 0x${gpa.toString(16)}: status ${status}`);
    if (on) yield* this.#map(piece, true);
  }

  *#map({ gpa, pages }: Piece, encrypted: boolean): Step {
    for (let i = 0n; i < BigInt(pages); i++)
      yield* this.#guest.pages.setEncrypted(this.#cpu, gpa + i * PAGE, encrypted);
  }

  *#unlock(kept: Kept, name: string): Step {
    const { rid } = kept.device;
    if (kept.state === "unlocked") throw new Errno("ENXIO", `${pciName(rid)}: not locked`);
    if (name !== NAME) throw new Errno("EINVAL", `"${name}", expected ${NAME}`);
    if (kept.driver) throw new Errno("EBUSY", pciName(rid));
    if (kept.state === "run" && this.#options.phase >= 3) {
      yield* this.#messages.sdte(rid, undefined);
      for (const piece of pieces(kept)) yield* this.#validate(rid, piece, false);
    }
    yield* this.#operate(rid, Tio.OP_UNBIND);
    kept.state = "unlocked";
    kept.ranges = [];
    kept.attested = undefined;
  }
}

/** What of a device's registers is the guest's alone, in pieces whose sizes are powers of two. */
function pieces({ device, ranges }: Kept): Piece[] {
  const found: Piece[] = [];
  for (const { rangeId: id, firstPage, pages, attributes } of ranges) {
    if (attributes & NOT_OURS) continue;
    const bar = device.bars.find(({ index }) => index === id);
    if (!bar) throw new CheckFailed(`range ${id}: the guest has no such BAR`);
    const start = ranges
      .filter((each) => each.rangeId === id)
      .map((each) => each.firstPage)
      .reduce((a, b) => (a < b ? a : b));
    let offset = Number(firstPage - start);
    for (let left = pages; left > 0; ) {
      const piece = 2 ** Math.floor(Math.log2(left));
      found.push({ id, offset, gpa: bar.gpa + BigInt(offset) * PAGE, pages: piece });
      offset += piece;
      left -= piece;
    }
  }
  return found;
}
