// Who holds which ASID, and which may be used again. DESIGN.md 3; spec digest psp-mailbox-commands.md 5 and 8.
import * as Slot from "../abi/slot.ts";
import * as Status from "../abi/status.ts";
import type { Chip } from "../chip/chip.ts";
import type { FirmwarePort } from "../port.ts";

/** Decides the ASIDs a guest may have: SEV-ES and SNP from 1 to minSevAsid - 1, plain SEV from there on. */
export type GuestKind = "sev" | "sev-es" | "snp";

/** A guest as the ASIDs know it. */
export interface Holder {
  kind: GuestKind;
  /** Unique among all guests that ever were. */
  id: string;
  vek: Uint8Array;
  tweakKey: Uint8Array;
}

export class Asids {
  /** With ciphertext hiding, SNP guests have the ASIDs up to here and SEV-ES guests those above; 0 without. */
  maxSnpAsid = 0;
  readonly #port: FirmwarePort;
  readonly #chip: Chip;
  readonly #held = new Map<number, GuestKind>();
  readonly #lastHolder = new Map<number, string>();
  /** ASIDs given up, and how often WBINVD had run then. Empty again after DF_FLUSH. */
  readonly #dirty = new Map<number, number>();
  /** ASIDs loaded since the last DF_FLUSH, likewise: the caches may hold their lines. */
  readonly #loaded = new Map<number, number>();

  constructor(port: FirmwarePort, chip: Chip) {
    this.#port = port;
    this.#chip = chip;
  }

  /** Puts a guest's key into an ASID's slot. Answers a status; anything but SUCCESS changed nothing. */
  activate(holder: Holder, asid: number): number {
    if (!this.#mayHave(holder.kind, asid)) return Status.INVALID_ASID;
    if (this.#port.slotState(asid) === Slot.ACTIVE) return Status.ASID_OWNED;
    const flushed = this.#dirty.get(asid);
    if (flushed !== undefined) {
      return flushed === this.#port.flushes() ? Status.WBINVD_REQUIRED : Status.DFFLUSH_REQUIRED;
    }
    const returns = this.#lastHolder.get(asid) === holder.id;
    if (this.#port.validatedOf(asid) !== 0n && !returns) return Status.ASID_OWNED;
    this.#port.installKey(asid, holder.vek, holder.tweakKey);
    this.#held.set(asid, holder.kind);
    this.#lastHolder.set(asid, holder.id);
    this.#loaded.set(asid, this.#port.flushes());
    return Status.SUCCESS;
  }

  #mayHave(kind: GuestKind, asid: number): boolean {
    const { asids, minSevAsid } = this.#chip;
    if (kind === "sev") return asid >= minSevAsid && asid <= asids;
    if (this.maxSnpAsid === 0) return asid >= 1 && asid < minSevAsid;
    if (kind === "snp") return asid >= 1 && asid <= this.maxSnpAsid;
    return asid > this.maxSnpAsid && asid < minSevAsid;
  }

  /** Takes an ASID away. Its lines may still be in the caches, so it is dirty until both flushes. */
  deactivate(asid: number): void {
    if (asid === 0) return;
    this.#port.removeKey(asid);
    this.#held.delete(asid);
    this.#dirty.set(asid, this.#port.flushes());
  }

  /** Takes the ASIDs of every SNP guest, or of every other, away. */
  release(snp: boolean): void {
    for (const [asid, kind] of this.#held) if ((kind === "snp") === snp) this.deactivate(asid);
  }

  /** DF_FLUSH: after a WBINVD, every ASID given up may be used again. */
  flush(): number {
    if ([...this.#dirty.values()].includes(this.#port.flushes())) return Status.WBINVD_REQUIRED;
    this.#dirty.clear();
    for (const [asid, flushed] of this.#loaded) {
      if (flushed !== this.#port.flushes()) this.#loaded.delete(asid);
    }
    return Status.SUCCESS;
  }

  /** Whether SNP_SHUTDOWN may go on, or which flush must come first. */
  shutdownStatus(): number {
    const since = [...this.#dirty.values(), ...this.#loaded.values()];
    if (since.length === 0) return Status.SUCCESS;
    return since.includes(this.#port.flushes()) ? Status.WBINVD_REQUIRED : Status.DFFLUSH_REQUIRED;
  }
}
