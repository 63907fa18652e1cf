// What the firmware keeps of each guest, and of each ASID that a guest held.
import * as Slot from "../abi/slot.ts";
import * as Status from "../abi/status.ts";
import type { FirmwarePort } from "../port.ts";
import type { Prng } from "../prng.ts";

/** Decides the ASIDs a guest may have: SEV-ES and SNP from 1 to minSevAsid - 1, plain SEV from there on. */
export type GuestKind = "sev" | "sev-es" | "snp";

/** One guest. Its name is a handle (SEV, SEV-ES) or the address of its context page (SNP). */
export interface Guest {
  name: bigint;
  kind: GuestKind;
  /** 0 while it is not active. */
  asid: number;
  key: Uint8Array;
  tweakKey: Uint8Array;
}

interface Asids {
  count: number;
  minSevAsid: number;
}

/** All guests of the platform. */
export class Guests {
  readonly #port: FirmwarePort;
  readonly #chance: Prng;
  readonly #asids: Asids;
  readonly #guests = new Map<bigint, Guest>();
  readonly #lastHolder = new Map<number, Guest>();
  /** ASIDs given up, and how often WBINVD had run then. Empty again after DF_FLUSH. */
  readonly #dirty = new Map<number, number>();
  #nextHandle = 1n;

  constructor(port: FirmwarePort, chance: Prng, asids: Asids) {
    this.#port = port;
    this.#chance = chance;
    this.#asids = asids;
  }

  /** A new guest with a key of its own, under a fresh handle or the context page given. */
  admit(kind: GuestKind, context?: bigint): Guest {
    const name = context ?? this.#nextHandle++;
    const guest = {
      name,
      kind,
      asid: 0,
      key: this.#chance.bytes(16),
      tweakKey: this.#chance.bytes(16),
    };
    this.#guests.set(name, guest);
    return guest;
  }

  /** A legacy guest by handle, or an SNP guest by context page. */
  find(name: bigint, snp: boolean): Guest | undefined {
    const guest = this.#guests.get(name);
    return guest && (guest.kind === "snp") === snp ? guest : undefined;
  }

  /** Puts a guest's key into an ASID's slot. Answers a status; anything but SUCCESS changed nothing. */
  activate(guest: Guest, asid: number): number {
    if (guest.asid !== 0) return Status.ACTIVE;
    if (!this.#mayHave(guest, asid)) return Status.INVALID_ASID;
    if (this.#port.slotState(asid) === Slot.ACTIVE) return Status.ASID_OWNED;
    const flushed = this.#dirty.get(asid);
    if (flushed !== undefined) {
      return flushed === this.#port.flushes() ? Status.WBINVD_REQUIRED : Status.DFFLUSH_REQUIRED;
    }
    const returns = this.#lastHolder.get(asid) === guest;
    if (this.#port.validatedOf(asid) !== 0n && !returns) return Status.ASID_OWNED;
    this.#port.installKey(asid, guest.key, guest.tweakKey);
    this.#lastHolder.set(asid, guest);
    guest.asid = asid;
    return Status.SUCCESS;
  }

  #mayHave(guest: Guest, asid: number): boolean {
    const { count, minSevAsid } = this.#asids;
    if (guest.kind === "sev") return asid >= minSevAsid && asid <= count;
    return asid >= 1 && asid < minSevAsid;
  }

  /** Takes a guest's ASID away. Its lines may still be in the caches, so the ASID is dirty until both flushes. */
  deactivate(guest: Guest): void {
    if (guest.asid === 0) return;
    this.#port.removeKey(guest.asid);
    this.#dirty.set(guest.asid, this.#port.flushes());
    guest.asid = 0;
  }

  /** Forgets a guest and its key. */
  decommission(guest: Guest): void {
    this.deactivate(guest);
    guest.key.fill(0);
    guest.tweakKey.fill(0);
    this.#guests.delete(guest.name);
  }

  /** DF_FLUSH: after a WBINVD, every ASID given up may be used again. */
  flush(): number {
    for (const flushed of this.#dirty.values()) {
      if (flushed === this.#port.flushes()) return Status.WBINVD_REQUIRED;
    }
    this.#dirty.clear();
    return Status.SUCCESS;
  }
}
