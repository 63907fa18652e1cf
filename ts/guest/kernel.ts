// A guest's kernel, as small as a replay needs: it accepts memory, builds page tables inside it and answers page faults.
// Everything it does is an access through the silicon; what it must leave for, the hypervisor serves.
import * as Code from "../abi/exit.ts";
import * as Pte from "../abi/pte.ts";
import * as Answer from "../abi/rmp-state.ts";
import * as Table from "../abi/table.ts";
import { featuresOf } from "../chip/chip.ts";
import { BadInput, CheckFailed } from "../error.ts";
import type { Vm } from "../hypervisor/vm.ts";
import type { Platform } from "../platform.ts";
import type { Exit, VcpuContext } from "../port.ts";
import type { Io } from "./driver/io.ts";
import { GuestMemory, REGION } from "./memory.ts";

const bit = (position: number) => 1n << BigInt(position);
const PAGE = 0x1000n;
const TABLE = bit(Pte.PRESENT_BIT) | bit(Pte.WRITE_BIT) | bit(Pte.USER_BIT);
const KERNEL = bit(Pte.PRESENT_BIT) | bit(Pte.WRITE_BIT);
const LEVELS = 3;
// Small pages that one mapping may take: tables for the linear map, for the user's, and the page itself.
const RESERVE = 8;
// Faults one step of a guest may take before it must have moved: two pages, each of its tables, both halves of the walk.
const FAULTS = 64;

const USER_END = 0x8000_0000_0000n;

/** Where the kernel sees all of guest physical memory, 2 MiB pages, private. Linux's direct map has the same place. */
export const LINEAR = 0xffff_8880_0000_0000n;

export class Kernel {
  readonly vm: Vm;
  readonly #platform: Platform;
  readonly #memory: GuestMemory;
  readonly #large: boolean;
  readonly #kernel: VcpuContext;
  readonly #user: VcpuContext;
  readonly #private: bigint;
  readonly #spares: bigint[] = [];
  /** Where each page of the user's address space is: gva to gpa. */
  readonly #pages = new Map<bigint, bigint>();
  /** Pages that are shared, and which 4 KiB pages of them were asked for. */
  readonly #shared = new Map<bigint, Set<bigint>>();
  /** Pages whose state it has had the RMP change. */
  changed = 0;

  /** Boots in the memory `from` a gpa on: without paging it accepts its first region, builds its tables there, and switches
   *  paging on. */
  constructor(platform: Platform, vm: Vm, from = 0n) {
    const { sev, es, snp } = featuresOf(platform.generation);
    this.vm = vm;
    this.#platform = platform;
    this.#memory = new GuestMemory(vm.memory, from);
    this.#large = vm.pageSize === "2m";
    this.#private = sev ? bit(platform.chip.cBit) : 0n;
    this.#kernel = {
      asid: vm.asid,
      vmpl: 0,
      cpl: 0,
      sev,
      es,
      snp,
      paging: false,
      cr3: 0n,
      ncr3: vm.root,
    };
    const first = this.#region();
    this.#memory.cutFrom(first);
    this.#kernel.cr3 = this.#table() & ~TABLE;
    this.#map(LINEAR + first, first | KERNEL | this.#private, true, 0n);
    this.#kernel.paging = true;
    this.#user = { ...this.#kernel, cpl: 3 };
  }

  /** The context a user program runs in. */
  get user(): VcpuContext {
    return this.#user;
  }

  /** Repeats one step of the guest until the silicon no longer refuses it, meeting every exit and exception on the way. */
  step(context: VcpuContext, act: () => boolean): void {
    const { guest } = this.#platform.core;
    for (let faults = 0; faults < FAULTS; faults++) {
      guest.load(context);
      if (act()) return;
      this.meet(guest.exit());
    }
    throw new CheckFailed(
      `ASID ${this.vm.asid}: one step of the guest was refused ${FAULTS} times`,
    );
  }

  /** Meets one refusal: an exit goes to the hypervisor, a page fault of the user to the kernel. */
  meet(exit: Exit): void {
    if (exit.kind === Code.VMEXIT) return this.vm.serveReplayed(exit);
    const { code, info1, info2, gva } = exit;
    if (code === BigInt(Code.PF) && info2 >= USER_END) {
      throw new BadInput(
        `gva 0x${info2.toString(16)}: in the kernel's half, expected a user program's address`,
      );
    }
    if (code === BigInt(Code.PF) && (info1 & bit(Code.PRESENT_BIT)) === 0n)
      return this.touch(info2);
    const what =
      code === BigInt(Code.VC) ? "#VC" : code === BigInt(Code.PF) ? "#PF" : `exception ${code}`;
    const where = `gva 0x${gva.toString(16)}, error 0x${info1.toString(16)}`;
    throw new CheckFailed(`${what} at ${where}: the guest has no answer`);
  }

  /** Maps the page at a gva and gives it its first contents, unless it has them. */
  touch(gva: bigint): void {
    const size = this.#size;
    const page = gva & ~(size - 1n);
    if (this.#pages.has(page)) return;
    this.#reserve();
    const gpa = this.#large ? this.#region() : this.#small();
    this.#map(page, gpa | TABLE | this.#private, this.#large, LINEAR);
    this.#pages.set(page, gpa);
    const { replay } = this.#platform.core.guest;
    for (let at = page; at < page + size; at += PAGE) {
      this.step(this.#user, () => replay.writeImage(at));
    }
  }

  /** Whether the user's page at gva is shared with the hypervisor. */
  isShared(gva: bigint): boolean {
    return this.#shared.has(gva & ~(this.#size - 1n));
  }

  /** Gives the page at a gva to the hypervisor, or takes it back. What it held is saved and written back: the page itself loses it.
   *  Large pages change as a whole: shared as long as one 4 KiB page of them is. */
  setShared(gva: bigint, shared: boolean): void {
    this.touch(gva);
    if (!this.#kernel.sev) return;
    const page = gva & ~(this.#size - 1n);
    const members = this.#shared.get(page) ?? new Set();
    const before = members.size > 0;
    if (shared) members.add(gva & ~(PAGE - 1n));
    else members.delete(gva & ~(PAGE - 1n));
    if (members.size > 0) this.#shared.set(page, members);
    else this.#shared.delete(page);
    if (before === members.size > 0) return;
    const contents = new Uint8Array(Number(this.#size));
    this.read(page, contents);
    this.#changeState(page, shared);
    this.write(page, contents);
  }

  /** Rescinds validation before, or validates after, as Linux does; the hypervisor changes the RMP in between. */
  #changeState(page: bigint, shared: boolean): void {
    const gpa = this.#pages.get(page) as bigint;
    const { guest } = this.#platform.core;
    if (this.#kernel.snp) {
      this.changed++;
      if (shared) this.#validate(gpa, this.#large, false);
      guest.load(this.#kernel);
      guest.vmexit(Code.VMEXIT_VMGEXIT, BigInt(Code.VMGEXIT_PSC), gpa);
      this.vm.serveReplayed(guest.exit());
      this.vm.changeState(gpa, shared);
      if (!shared) this.#validate(gpa, this.#large, true);
    }
    this.#map(page, gpa | TABLE | (shared ? 0n : this.#private), this.#large, LINEAR);
  }

  /** The gpa of a user's gva, touched if need be. */
  gpaOf(gva: bigint): bigint {
    this.touch(gva);
    const page = gva & ~(this.#size - 1n);
    return (this.#pages.get(page) as bigint) + (gva - page);
  }

  /** Maps shared memory at a kernel gva: a region that the guest never accepts, C-bit clear. */
  mapShared(gva: bigint, pages: number): bigint {
    this.#reserve();
    const gpa = this.#memory.region();
    if (this.#large) this.#map(gva, gpa | KERNEL, true, LINEAR);
    else {
      for (let i = 0n; i < BigInt(pages); i++)
        this.#map(gva + i * PAGE, (gpa + i * PAGE) | KERNEL, false, LINEAR);
    }
    return gpa;
  }

  /** Maps a device's registers at a kernel gva, as the guest's own or shared. */
  mapRegisters(gva: bigint, gpa: bigint, pages: number, shared: boolean): void {
    const flags = KERNEL | (shared ? 0n : this.#private);
    for (let i = 0n; i < BigInt(pages); i++) {
      this.#reserve();
      this.#map(gva + i * PAGE, (gpa + i * PAGE) | flags, false, LINEAR);
    }
  }

  /** A page of the kernel's own, private: its gpa, which the linear map has too. */
  page(): bigint {
    this.#reserve();
    return this.#small();
  }

  /** For drivers: loads and stores that are over when they return. */
  get io(): Io {
    const kernel = this;
    return {
      // biome-ignore lint/correctness/useYield: the kernel meets its exits itself
      *read(gva, into) {
        kernel.read(gva, into);
      },
      // biome-ignore lint/correctness/useYield: the kernel meets its exits itself
      *write(gva, from) {
        kernel.write(gva, from);
      },
    };
  }

  /** Reads as the kernel. */
  read(gva: bigint, into: Uint8Array): void {
    this.step(this.#kernel, () => this.#platform.core.guest.read(gva, into));
  }

  /** Writes as the kernel. */
  write(gva: bigint, from: Uint8Array): void {
    this.step(this.#kernel, () => this.#platform.core.guest.write(gva, from));
  }

  /** Opens the next region for small pages while the old one still has some for the tables that map it. */
  #reserve(): void {
    if (this.#memory.left >= RESERVE) return;
    this.#memory.cutFrom(this.#region());
  }

  /** A region mapped in the linear map and, where pages are large, accepted whole. */
  #region(): bigint {
    const region = this.#memory.region();
    const linear = this.#kernel.paging ? LINEAR : 0n;
    if (this.#kernel.paging)
      this.#map(LINEAR + region, region | KERNEL | this.#private, true, linear);
    if (this.#large) this.#accept(region, true);
    return region;
  }

  /** A small page, accepted. */
  #small(): bigint {
    const gpa = this.#memory.small();
    if (!this.#large) this.#accept(gpa, false);
    return gpa;
  }

  /** Accepts a page: under SNP it is validated, once. A page that was valid already is an attack. */
  #accept(gpa: bigint, large: boolean): void {
    if (this.#kernel.snp) this.#validate(gpa, large, true);
  }

  #validate(gpa: bigint, large: boolean, valid: boolean): void {
    const { guest } = this.#platform.core;
    let answer: { eax: number; carry: boolean } | undefined;
    this.step(this.#kernel, () => {
      answer = guest.pvalidate(this.#linear(gpa), large, valid);
      return answer !== undefined;
    });
    if (answer?.eax === Answer.SUCCESS && !answer.carry) return;
    const seen = `EAX ${answer?.eax}, CF ${Number(answer?.carry)}`;
    throw new CheckFailed(`PVALIDATE of gpa 0x${gpa.toString(16)}: ${seen}, expected 0 and 0`);
  }

  get #size(): bigint {
    return this.#large ? REGION : PAGE;
  }

  /** Where the kernel reaches a gpa: in its linear map, or as it is before paging. */
  #linear(gpa: bigint): bigint {
    return this.#kernel.paging ? LINEAR + gpa : gpa;
  }

  /** A zeroed small page, as an entry that names a table. */
  #table(): bigint {
    const gpa = this.#small();
    this.write(this.#linear(gpa), new Uint8Array(Number(PAGE)));
    return gpa | TABLE | this.#private;
  }

  #map(gva: bigint, leaf: bigint, large: boolean, linear: bigint): void {
    while (this.#spares.length < LEVELS) this.#spares.push(this.#table());
    const { guest } = this.#platform.core;
    const entry = large ? leaf | bit(Pte.LARGE_BIT) : leaf;
    let taken = 0;
    this.step(this.#kernel, () => {
      taken = guest.map(this.#kernel.cr3, gva, entry, large ? 1 : 0, linear, this.#spares);
      return taken !== Table.REFUSED;
    });
    if (taken === Table.OCCUPIED)
      throw new CheckFailed(`guest table: 0x${gva.toString(16)} is mapped large`);
    this.#spares.splice(0, taken);
  }
}
