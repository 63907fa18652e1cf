// A guest with four 2 MiB regions (nested 4 KiB or 2 MiB, mapped by the guest 4 KiB or 2 MiB) beside its slow twin.
import * as Code from "../ts/abi/exit.ts";
import { type Chance, LARGE, OPEN, PAGE } from "./core.ts";
import { assert } from "./kit.ts";
import { Lab } from "./lab.ts";
import { type Entry, hypervisor, raw } from "./oracle/rmp.ts";
import { GuestRmp, type Named } from "./oracle/rmp-guest.ts";

export const DRAM = 0x800_0000n;
export const GPA = 0x2000_0000n;
export const GVA = 0x7000_0000n;
export const FULL = 0x1f;
/** The pages of a region that are mapped 4 KiB by 4 KiB. */
export const INDICES: readonly bigint[] = [0n, 1n, 5n, 511n];
export const EVERY: readonly bigint[] = Array.from({ length: 512 }, (_, i) => BigInt(i));

export interface Region {
  gpa: bigint;
  spa: bigint;
  gva: bigint;
  mapped: boolean;
}

export class Board {
  readonly lab = new Lab({ generation: "sev-snp", chip: "turin", dram: DRAM });
  readonly twin = new GuestRmp(Number(DRAM / PAGE), FULL);
  readonly regions: Region[] = [];

  constructor() {
    for (const nested of [false, true]) {
      for (const mapped of [false, true]) this.#region(nested, mapped);
    }
    this.lab.load();
  }

  #region(nested: boolean, mapped: boolean): void {
    const { lab, regions } = this;
    const i = BigInt(regions.length);
    const spa = lab.large();
    const [gpa, gva] = [GPA + i * LARGE, GVA + i * LARGE];
    if (nested) lab.nest(gpa, spa, OPEN, true);
    if (mapped) lab.map(gva, gpa | OPEN | lab.cBit, true);
    for (const index of INDICES) {
      if (!nested) lab.nest(gpa + index * PAGE, spa + index * PAGE);
      if (!mapped) lab.map(gva + index * PAGE, (gpa + index * PAGE) | OPEN | lab.cBit);
    }
    regions.push({ gpa, spa, gva, mapped });
  }

  /** Sets an entry in both. */
  set(spa: bigint, entry: Entry): void {
    if (entry === hypervisor) this.twin.entries.delete(Number(spa / PAGE));
    else this.twin.entries.set(Number(spa / PAGE), entry);
    const { low, high } = raw(entry);
    assert.ok(this.lab.core.firmware.setRmp(spa, low, high));
  }

  /** Fails unless these entries of a region are the twin's. */
  compare(spa: bigint, pages: readonly bigint[], where: string): void {
    const first = Number(spa / PAGE);
    const assigned = (page: number) => page !== first && this.twin.own(page).assigned;
    const others = this.twin.region(first).filter(assigned).length;
    for (const index of pages) {
      const seen = this.lab.core.firmware.rmp(spa + index * PAGE);
      const expected = raw(this.twin.own(first + Number(index)), index === 0n ? others : 0);
      if (seen.low !== expected.low || seen.high !== expected.high)
        assert.equal(seen, expected, `${where} page ${index}`);
    }
  }

  /** The page of a region as VMPL `vmpl` names it. */
  named(region: Region, index: bigint, large: boolean, vmpl = 0): Named & { gva: bigint } {
    const at = large ? 0n : index;
    return {
      gva: region.gva + at * PAGE,
      page: Number((region.spa + at * PAGE) / PAGE),
      gpa: region.gpa + at * PAGE,
      asid: this.lab.asid,
      vmpl,
      large,
      mapped: region.mapped,
    };
  }

  /** What an instruction answered, or what it met: "#VC" or the error code of an #NPF. */
  outcome<T>(answer: T | undefined, { gva, gpa }: { gva: bigint; gpa: bigint }) {
    if (answer !== undefined) return answer;
    const { kind, code, info1, info2 } = this.lab.core.guest.exit();
    if (kind === Code.EXCEPTION) {
      assert.equal([code, info1, info2], [BigInt(Code.VC), 0x404n, gva]);
      return "#VC";
    }
    assert.equal([kind, code, info2], [Code.VMEXIT, BigInt(Code.VMEXIT_NPF), gpa]);
    return info1;
  }

  pvalidate(named: Named & { gva: bigint }, to: boolean) {
    const answer = this.lab.core.guest.pvalidate(named.gva, named.large, to);
    return this.outcome(answer && (answer.carry ? "CF" : answer.eax), named);
  }
}

/** One random instruction on both sides, whose answers must be equal. Answers the region it was for. */
export function randomStep(board: Board, chance: Chance, where: string): Region {
  const { lab, twin } = board;
  const region = chance.pick(board.regions);
  const index = chance.pick(INDICES);
  const spa = region.spa + index * PAGE;
  const large = chance.once(3);
  const which = chance.below(16);
  if (which < 5) randomUpdate(board, chance, region, index, where);
  else if (which < 6) assert.is(lab.core.host.psmash(spa), twin.psmash(spa), where);
  else if (which < 10) {
    const to = !chance.once(3);
    const named = board.named(region, index, large);
    const expected = twin.pvalidate(named, to);
    assert.is(board.pvalidate(named, to), expected, where);
  } else if (which < 13) randomAdjust(board, chance, board.named(region, index, large), where);
  else if (which < 14) {
    const read = lab.core.host.rmpread(spa);
    assert.equal(read?.entry ?? read?.eax, twin.rmpread(spa), where);
  } else randomFirmware(board, chance, spa);
  return region;
}

function randomUpdate(
  { lab, twin }: Board,
  chance: Chance,
  region: Region,
  index: bigint,
  where: string,
): void {
  const assigned = !chance.once(3);
  const gpa = region.gpa + index * PAGE;
  const to = {
    ...hypervisor,
    assigned,
    large: chance.once(3),
    asid: assigned || chance.once(8) ? chance.pick([0, 1, 1, 2]) : 0,
    immutable: chance.once(12),
    gpa: assigned ? (chance.once(6) ? gpa + LARGE : gpa) : 0n,
  };
  const at = region.spa + index * PAGE + (chance.once(12) ? 0x800n : 0n);
  const state = { ...to, pageSize: to.large ? ("2m" as const) : ("4k" as const) };
  assert.is(lab.core.host.rmpupdate(at, state), twin.rmpupdate(at, to), where);
}

function randomAdjust(
  board: Board,
  chance: Chance,
  page: Named & { gva: bigint },
  where: string,
): void {
  const vmpl = chance.pick([0, 0, 1, 2, 3]);
  const named = { ...page, vmpl };
  const { lab, twin } = board;
  const { guest } = lab.core;
  lab.load({ vmpl });
  const target = chance.below(5);
  if (chance.once(3)) {
    const answer = guest.rmpquery(named.gva, target);
    const seen = board.outcome(answer?.eax ? answer.eax : answer, named);
    assert.equal(seen, twin.rmpquery(named, target), where);
  } else {
    const wish = { vmpl: target, permissions: chance.below(32), vmsa: chance.once(3) };
    const expected = twin.rmpadjust(named, wish);
    const answer = guest.rmpadjust(named.gva, named.large, wish);
    assert.is(board.outcome(answer, named), expected, where);
  }
  lab.load();
}

/** SNP_PAGE_RECLAIM and the like take the immutable bit away; VMRUN and #VMEXIT lock an entry and unlock it. */
function randomFirmware(board: Board, chance: Chance, spa: bigint): void {
  const head = board.twin.head(Number(spa / PAGE));
  const entry = board.twin.own(head);
  if (entry.immutable)
    board.set(BigInt(head) * PAGE, entry.assigned ? { ...entry, immutable: false } : hypervisor);
  else if (entry.locked || chance.once(3)) {
    const locked = { ...entry, locked: !entry.locked };
    board.set(BigInt(head) * PAGE, locked.locked || locked.assigned ? locked : hypervisor);
  }
}
