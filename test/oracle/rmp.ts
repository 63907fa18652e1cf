// The RMP as a map of plain objects, its check and the host's instructions, rule by rule. Spec digest rmp.md 4.2, 4.3 and 5.
import { bit, type RmpFields, rmpLow } from "../core.ts";

export interface Entry extends RmpFields {
  /** Permissions of VMPL 0 to 3. */
  masks: number[];
  /** A running vCPU holds the page. */
  locked: boolean;
}

export const hypervisor: Entry = {
  assigned: false,
  large: false,
  immutable: false,
  gpa: 0n,
  asid: 0,
  vmsa: false,
  validated: false,
  masks: [0, 0, 0, 0],
  locked: false,
};

export type Access = "read" | "write" | "fetch";
export const ENC: bigint = bit(34);
export const [P, W, U, FETCH, RMP, FINAL] = [bit(0), bit(1), bit(2), bit(4), bit(31), bit(32)];
export const [SIZEM, VMPL] = [bit(35), bit(36)];

export class Rmp {
  readonly entries = new Map<number, Entry>();
  readonly #pages: number;
  readonly #full: number;

  constructor(pages: number, full: number) {
    this.#pages = pages;
    this.#full = full;
  }

  own(page: number): Entry {
    return this.entries.get(page) ?? hypervisor;
  }

  /** The page whose entry speaks for this one. */
  head(page: number): number {
    const first = page - (page % 512);
    return this.own(first).assigned && this.own(first).large ? first : page;
  }

  region = (page: number): number[] =>
    Array.from({ length: 512 }, (_, i) => page - (page % 512) + i);

  /** Whether the host may write through a mapping of this size. */
  isHost(page: number, large: boolean): boolean {
    const pages = large ? this.region(page) : [page];
    const mine = pages.every((one) => !this.own(this.head(one)).assigned);
    return mine && !this.own(this.head(page)).locked;
  }

  /** 0 for ownership as it must be, else the error bits. */
  owner(page: number, gpa: bigint, asid: number, large?: boolean): bigint {
    const head = this.head(page);
    const entry = this.own(head);
    if (page >= this.#pages || !entry.assigned || entry.asid !== asid) return RMP;
    if (entry.gpa + BigInt(page - head) * 4096n !== gpa) return RMP;
    if (entry.immutable || entry.locked) return RMP;
    return large !== undefined && large !== entry.large ? RMP | SIZEM : 0n;
  }

  /** What a private access meets: nothing, a #VC, or an error code of #NPF. */
  check(
    page: number,
    gpa: bigint,
    asid: number,
    vmpl: number,
    access: Access,
    user: boolean,
    large: boolean,
  ) {
    const kind = access === "write" ? W : access === "fetch" ? FETCH : 0n;
    const error = P | U | FINAL | ENC | kind;
    const owner = this.owner(page, gpa, asid, large);
    if (owner) return error | owner;
    const { validated, masks } = this.own(this.head(page));
    if (!validated) return "#VC";
    const need = { read: 1, write: 3, fetch: user ? 4 : 8 }[access];
    return (masks[vmpl]! & need) === need ? undefined : error | RMP | VMPL;
  }

  /** What a shared access meets: reads nothing, writes only what is not the hypervisor's. */
  shared(page: number, access: Access, large: boolean) {
    return access !== "write" || this.isHost(page, large) ? undefined : P | W | U | FINAL | RMP;
  }

  rmpupdate(spa: bigint, to: RmpFields): number {
    const page = Number(spa >> 12n);
    const inside = to.large ? 0x1fffffn : 0xfffn;
    if ((spa & inside) !== 0n || (to.gpa & inside) !== 0n || to.gpa >> 51n || to.asid > 1023)
      return 1;
    if (!to.assigned && (to.asid !== 0 || to.immutable)) return 1;
    if (page >= this.#pages) return 1;
    const pages = to.large ? this.region(page) : [page];
    if (pages.some((one) => this.own(this.head(one)).immutable)) return 2;
    if (pages.some((one) => this.own(this.head(one)).locked)) return 3;
    const first = this.own(page - (page % 512));
    const isLarge = first.assigned && first.large;
    if (to.large ? !isLarge && !this.isHost(page, true) : isLarge) return 4;
    const old = this.own(page);
    const owner = (entry: RmpFields) =>
      rmpLow({ ...entry, immutable: false, vmsa: false, validated: false });
    if (!to.assigned) this.entries.delete(page);
    else if (to.asid !== 0 && owner(old) === owner(to))
      this.entries.set(page, { ...old, immutable: to.immutable });
    else
      this.entries.set(page, {
        ...to,
        masks: [to.asid ? this.#full : 0, 0, 0, 0],
        locked: false,
      });
    return 0;
  }

  psmash(spa: bigint): number {
    const page = Number(spa >> 12n);
    if (spa & 0x1fffffn || page >= this.#pages) return 1;
    const old = this.own(page);
    if (!old.assigned || !old.large) return 7;
    if (old.immutable) return 2;
    if (old.locked) return 3;
    for (const [i, one] of this.region(page).entries())
      this.entries.set(one, { ...old, large: false, gpa: old.gpa + BigInt(i) * 4096n });
    return 0;
  }

  /** What RMPREAD shows, or EAX. */
  rmpread(spa: bigint) {
    const page = Number(spa >> 12n);
    if (spa & 0xfffn || page >= this.#pages) return 1;
    const head = this.head(page);
    const { assigned, immutable, asid, large, gpa } = this.own(head);
    const others = this.region(page).filter((one) => one !== page && this.own(one).assigned);
    return {
      gpa: gpa + BigInt(page - head) * 4096n,
      assigned,
      immutable,
      asid,
      pageSize: large ? "2m" : "4k",
      regionAssigned: page % 512 === 0 && others.length > 0,
    };
  }

  validatedOf(asid: number): number {
    return [...this.entries.values()].filter((one) => one.validated && one.asid === asid).length;
  }
}

/** An entry as the two quadwords of rmp.md 2.1; `others` is how many other entries of the region are assigned. */
export function raw(entry: Entry, others = 0): { low: bigint; high: bigint } {
  const high = entry.masks.reduce(
    (sum, mask, vmpl) => sum | (BigInt(mask) << BigInt(8 * vmpl)),
    0n,
  );
  const lock = entry.locked ? bit(63) : 0n;
  return { low: rmpLow(entry) | (BigInt(others) << 3n) | lock, high };
}
