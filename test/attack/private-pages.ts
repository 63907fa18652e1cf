// A guest's private pages as the guest knows them: what it wrote to each line, against what it reads.
import type { GuestPort, Vm } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import type { Chance } from "../core.ts";
import type { Secrets } from "./secret.ts";
import type { Tally } from "./tally.ts";

const PAGE = 0x1000;
export const LINE = 64;
export const LINES: number = PAGE / LINE;
const PAGES = 24;
const TRIES = 3;

interface Page {
  gpa: bigint;
  lines: (Uint8Array | undefined)[];
}

export interface PrivateParts {
  guest: GuestPort;
  vm: Vm;
  chance: Chance;
  secrets: Secrets;
  tally: Tally;
  /** Told of every page of memory that the guest was given. */
  note: (spa: bigint | undefined) => void;
}

/** The CPU is a guest's, before paging: every access is private. */
export function enter(guest: GuestPort, { asid, root }: Vm): void {
  const mode = { sev: true, es: true, snp: true, paging: false } as const;
  guest.load({ asid, vmpl: 0, cpl: 0, ...mode, cr3: 0n, ncr3: root });
}

export class PrivatePages {
  readonly #parts: PrivateParts;
  readonly #pages: Page[] = [];
  #next = BigInt(PAGE);

  constructor(parts: PrivateParts) {
    this.#parts = parts;
  }

  /** The gpa of one of them. */
  anyGpa(): bigint {
    return this.#pages.length > 0 ? this.#parts.chance.pick(this.#pages).gpa : BigInt(PAGE);
  }

  /** Accepts, reads or writes. Answers the gpa of an access that was refused and that the hypervisor might mend. */
  step(): bigint | undefined {
    const { guest, vm, chance } = this.#parts;
    enter(guest, vm);
    if (this.#pages.length < PAGES) return this.#accept();
    const page = chance.pick(this.#pages);
    return chance.once(2) ? this.#read(page) : this.#write(page);
  }

  readAll(): void {
    enter(this.#parts.guest, this.#parts.vm);
    for (const page of [...this.#pages]) this.#read(page);
  }

  /** A page that was never the guest's before: a gpa is validated once. */
  #accept(): undefined {
    const { guest, vm, note } = this.#parts;
    const gpa = this.#next;
    this.#next += BigInt(PAGE);
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = guest.pvalidate(gpa, false, true);
      if (!answer && this.#backed()) continue;
      if (answer?.eax === 0 && !answer.carry)
        this.#pages.push({ gpa, lines: new Array(LINES).fill(undefined) });
      return note(vm.spaOf(gpa)) as undefined;
    }
  }

  /** Whether the refusal was of memory that is not there yet, which the hypervisor then gave. */
  #backed(): boolean {
    const { guest, vm, note } = this.#parts;
    const { kind, code, info1, info2 } = guest.exit();
    if (kind !== Code.VMEXIT || code !== BigInt(Code.VMEXIT_NPF)) return false;
    if ((info1 & (1n << BigInt(Code.PRESENT_BIT))) !== 0n) return false;
    vm.back(info2, true);
    note(vm.spaOf(info2));
    return true;
  }

  #read(page: Page): bigint | undefined {
    const { guest, chance, tally } = this.#parts;
    tally.reads++;
    const line = chance.below(LINES);
    const into = new Uint8Array(LINE);
    if (!guest.read(page.gpa + BigInt(line * LINE), into)) return this.#refused(page);
    const expected = page.lines[line];
    if (expected === undefined || expected.every((byte, i) => byte === into[i])) return undefined;
    const [seen, wrote] = [into, expected].map((bytes) => Buffer.from(bytes).toString("hex"));
    throw new Error(
      `gpa 0x${page.gpa.toString(16)}, line ${line}: read ${seen}, last wrote ${wrote}`,
    );
  }

  #write(page: Page): bigint | undefined {
    const { guest, chance, secrets, tally } = this.#parts;
    tally.writes++;
    const line = chance.below(LINES);
    const bytes = secrets.next(LINE);
    if (!guest.write(page.gpa + BigInt(line * LINE), bytes)) return this.#refused(page);
    page.lines[line] = bytes;
    return undefined;
  }

  /** A #VC says that the page is not what was accepted: it is given up for good. An #NPF may be mended. */
  #refused(page: Page): bigint | undefined {
    const { guest, tally } = this.#parts;
    tally.faults++;
    if (guest.exit().kind !== Code.EXCEPTION) return this.#backed() ? undefined : page.gpa;
    this.#pages.splice(this.#pages.indexOf(page), 1);
    tally.lost++;
    return undefined;
  }
}
