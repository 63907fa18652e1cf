// One machine of the hostile hypervisor's: two guests of one owner, a third that is the attacker's, and everything that a host may do.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { createPlatform, type Platform, type Vm } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import { Chance, coreModule } from "../core.ts";
import { enter, LINE, LINES, PrivatePages } from "./private-pages.ts";
import { findSecret, KeyWatch, Secrets } from "./secret.ts";
import type { Tally } from "./tally.ts";

const PAGE = 0x1000;
const DRAM = 64n << 20n;
const MEMORY = 16n << 20n;
const SCANS = 4;
const DEVICE = 3;
const ENTRY = 0xffff_fff0n;
const PARTS = { memory: MEMORY, pageSize: "4k" } as const;
const MOST_KEEPERS = 64;
const REGISTERS = ["rbx", "rsi", "rdi", "r8", "r15"] as const;

/** One machine with two guests of one owner: one's memory is played with, the other's state. */
export class Round {
  readonly #chance: Chance;
  readonly #platform: Platform;
  readonly #tally: Tally;
  readonly #memory: Vm;
  #state: Vm;
  readonly #stranger: Vm;
  readonly #keys = new KeyWatch();
  readonly #pages: PrivatePages;
  readonly #spas: bigint[] = [];
  readonly #saved: { spa: bigint; bytes: Uint8Array }[] = [];
  readonly #secrets = new Secrets();
  #registers: bigint[] = [];
  #keepers = 1;

  constructor(seed: bigint, tally: Tally) {
    this.#chance = new Chance(seed);
    this.#tally = tally;
    this.#platform = createPlatform({
      generation: "sev-snp",
      seed,
      dram: DRAM,
      resident: 256 << 20,
      ...(coreModule ? { module: coreModule } : {}),
    });
    this.#watchKeys();
    this.#memory = this.#platform.createVm(PARTS);
    this.#stranger = this.#platform.createVm(PARTS);
    this.#pages = new PrivatePages({
      guest: this.#platform.core.guest,
      vm: this.#memory,
      chance: this.#chance,
      secrets: this.#secrets,
      tally,
      note: (spa) => this.#note(spa),
    });
    this.#state = this.#keeper();
  }

  /** A guest that keeps secrets in its registers. One that was killed is followed by another. */
  #keeper(): Vm {
    const code = new Map([[ENTRY, (cpu: Cpu) => this.#keepRegisters(cpu)]]);
    const vm = this.#platform.createVm({ ...PARTS, image: { entry: ENTRY, code } });
    this.#note(vm.vcpus[0]?.vmcb.u64(Layout.VMSA_PTR));
    return vm;
  }

  /** Every key that goes into a slot, to be looked for where the host can look. */
  #watchKeys(): void {
    const { firmware } = this.#platform.core;
    const install = firmware.installKey;
    firmware.installKey = (asid, key, tweakKey) => {
      this.#keys.add(key);
      this.#keys.add(tweakKey);
      install(asid, key, tweakKey);
    };
  }

  #note(spa: bigint | undefined): void {
    if (spa !== undefined && !this.#spas.includes(spa)) this.#spas.push(spa);
  }

  run(operations: number): void {
    for (let at = 0; at < operations; at++) {
      this.#tally.operations++;
      if (this.#chance.once(2)) this.#guest();
      else this.#hostile();
      if (at % Math.ceil(operations / SCANS) === 0) this.#scan();
    }
    this.#pages.readAll();
    this.#scan();
  }

  /** A step of the guest; now and then the hypervisor mends, in its way, what the guest was refused. */
  #guest(): void {
    const missing = this.#pages.step();
    if (missing !== undefined && this.#chance.once(2))
      this.#remap(missing, this.#chance.pick(this.#spas));
  }

  #hostile(): void {
    this.#tally.hostile++;
    this.#chance.pick(this.#acts)();
  }

  readonly #acts: readonly (() => void)[] = [
    () => this.#rmpupdate(),
    () => this.#rmpupdate(),
    () => this.#remap(this.#pages.anyGpa(), this.#chance.pick(this.#spas)),
    () => this.#exchange(),
    () => this.#save(),
    () => this.#replay(),
    () => this.#flip(),
    () => this.#dma(),
    () => this.#count(this.#platform.core.host.psmash(this.#chance.pick(this.#spas)) === 0),
    () => this.#platform.core.host.wbinvd(),
    () => this.#platform.core.host.invd(),
    () => this.#platform.core.host.flushAsid(this.#chance.below(4)),
    () => this.#takeAndGive(),
    () => this.#lie(),
    () => this.#collude(),
    () => this.#runState(),
  ];

  #count(done: boolean): void {
    if (!done) this.#tally.refused++;
  }

  #rmpupdate(): void {
    const chance = this.#chance;
    const assigned = !chance.once(3);
    const asid = chance.pick([0, this.#memory.asid, this.#state.asid, this.#stranger.asid, 9]);
    const eax = this.#platform.core.host.rmpupdate(chance.pick(this.#spas), {
      gpa: assigned ? this.#pages.anyGpa() : 0n,
      assigned,
      pageSize: chance.once(8) ? "2m" : "4k",
      immutable: assigned && chance.once(16),
      asid: assigned ? asid : 0,
    });
    this.#count(eax === 0);
  }

  #remap(gpa: bigint, spa: bigint): void {
    const { host } = this.#platform.core;
    const entry = host.nestedEntry(this.#memory.root, gpa);
    if (entry === 0n) return;
    host.mapNested(this.#memory.root, gpa, (entry & 0xfffn) | spa, 0, []);
    if (this.#chance.once(2)) host.flushAsid(this.#memory.asid);
  }

  #exchange(): void {
    const [one, other] = [this.#pages.anyGpa(), this.#pages.anyGpa()];
    const [first, second] = [this.#memory.spaOf(one), this.#memory.spaOf(other)];
    if (first === undefined || second === undefined) return;
    this.#remap(one, second);
    this.#remap(other, first);
  }

  #save(): void {
    const spa = this.#chance.pick(this.#spas);
    const bytes = new Uint8Array(PAGE);
    this.#platform.core.host.read(spa, bytes, this.#chance.once(4));
    this.#saved.push({ spa, bytes });
    if (this.#saved.length > 32) this.#saved.shift();
  }

  #replay(): void {
    if (this.#saved.length === 0) return;
    const { spa, bytes } = this.#chance.pick(this.#saved);
    const to = this.#chance.once(4) ? this.#chance.pick(this.#spas) : spa;
    this.#count(this.#platform.core.host.write(to, bytes, this.#chance.once(4)));
  }

  #flip(): void {
    const { host } = this.#platform.core;
    const at = this.#chance.pick(this.#spas) + BigInt(this.#chance.below(PAGE));
    const byte = new Uint8Array(1);
    host.read(at, byte);
    byte[0] = (byte[0] as number) ^ (1 << this.#chance.below(8));
    this.#count(host.write(at, byte));
  }

  #dma(): void {
    const { device, host } = this.#platform.core;
    host.attach(DEVICE, this.#memory.root);
    const at = this.#pages.anyGpa() + BigInt(this.#chance.below(LINES) * LINE);
    const bytes = this.#chance.bytes(LINE);
    if (this.#chance.once(2)) this.#count(device.write(DEVICE, at, bytes));
    else if (device.read(DEVICE, at, bytes)) this.#look("a device's read", bytes);
  }

  /** The page is taken away, overwritten, and given back as if nothing had been. */
  #takeAndGive(): void {
    const { host } = this.#platform.core;
    const gpa = this.#pages.anyGpa();
    const spa = this.#memory.spaOf(gpa);
    if (spa === undefined) return;
    const give = {
      gpa,
      assigned: true,
      pageSize: "4k",
      immutable: false,
      asid: this.#memory.asid,
    } as const;
    const bytes = new Uint8Array(PAGE);
    host.read(spa, bytes);
    this.#count(host.rmpupdate(spa, { ...give, gpa: 0n, assigned: false, asid: 0 }) === 0);
    if (this.#chance.once(2)) this.#count(host.write(spa, bytes));
    host.rmpupdate(spa, give);
  }

  /** A page state change that nobody asked for, or fresh memory under a gpa that had some. */
  #lie(): void {
    const gpa = this.#pages.anyGpa();
    const spa = this.#memory.spaOf(gpa);
    if (spa === undefined) return;
    const { host } = this.#platform.core;
    const fresh = this.#chance.pick(this.#spas);
    host.rmpupdate(fresh, {
      gpa,
      assigned: true,
      pageSize: "4k",
      immutable: false,
      asid: this.#memory.asid,
    });
    this.#remap(gpa, fresh);
  }

  /** A guest of the hypervisor's own validates a page at the same gpa, and the victim is given that. */
  #collude(): void {
    const { guest } = this.#platform.core;
    const gpa = this.#pages.anyGpa();
    if (this.#stranger.spaOf(gpa) === undefined) this.#stranger.back(gpa, true);
    enter(guest, this.#stranger);
    guest.pvalidate(gpa, false, true);
    guest.write(gpa, this.#chance.bytes(LINE));
    const spa = this.#stranger.spaOf(gpa);
    this.#note(spa);
    if (spa !== undefined) this.#remap(gpa, spa);
  }

  /** The second guest holds secrets in registers over its exits. */
  *#keepRegisters(cpu: Cpu): Step {
    for (;;) {
      const bytes = this.#secrets.next(8 * REGISTERS.length);
      const view = new DataView(bytes.buffer);
      this.#registers = REGISTERS.map((_, i) => view.getBigUint64(8 * i, true));
      REGISTERS.forEach((name, i) => {
        cpu.registers[name] = this.#registers[i] as bigint;
      });
      yield* cpu.hlt();
      REGISTERS.forEach((name, i) => {
        if (cpu.registers[name] !== this.#registers[i])
          throw new Error(`${name}: ${cpu.registers[name]}, expected ${this.#registers[i]}`);
      });
    }
  }

  /** VMRUN with a VMCB that tells the truth, or does not: another VMSA, another ASID, another mode, an event. */
  #runState(): void {
    const vcpu = this.#state.vcpus[0];
    if (!vcpu) return;
    this.#tally.runs++;
    const { vmcb } = vcpu;
    const { host } = this.#platform.core;
    const page = new Uint8Array(PAGE);
    vmcb.read(0, page);
    const lies: (() => void)[] = [
      () => {},
      () => vmcb.setU64(Layout.VMSA_PTR, this.#chance.pick(this.#spas)),
      () => vmcb.setU32(Layout.GUEST_ASID, this.#chance.below(5)),
      () => vmcb.setU64(Layout.NESTED_CTL, BigInt(this.#chance.below(8))),
      () => vmcb.setU64(Layout.NCR3, this.#chance.pick([this.#memory.root, this.#state.root])),
    ];
    if (this.#chance.once(2)) this.#chance.pick(lies)();
    const exit = vcpu.run();
    this.#look("a VMCB", page);
    this.#look("the registers after #VMEXIT", new Uint8Array(host.registers.slice().buffer));
    host.write(vmcb.spa, page);
    const halted = exit.kind === Code.VMEXIT && exit.code === BigInt(Code.VMEXIT_HLT);
    if (halted || this.#keepers === MOST_KEEPERS) return;
    this.#tally.killed++;
    this.#keepers++;
    this.#state = this.#keeper();
  }

  /** Looks at all that the host and a probe can see for eight bytes of a secret or a key. */
  #scan(): void {
    const { host, dimm } = this.#platform.core;
    const page = new Uint8Array(PAGE);
    for (const spa of this.#spas) {
      this.#tally.scanned += 3;
      if (host.read(spa, page)) this.#look(`the host's load of 0x${spa.toString(16)}`, page);
      if (host.read(spa, page, true))
        this.#look(`the host's load with its key of 0x${spa.toString(16)}`, page);
      if (dimm.read(spa, page)) this.#look(`the chips at 0x${spa.toString(16)}`, page);
    }
  }

  #look(where: string, bytes: Uint8Array): void {
    const at = findSecret(bytes);
    if (at >= 0) throw new Error(`${where}, offset ${at}: eight bytes of a guest's secret`);
    const key = this.#keys.find(bytes);
    if (key >= 0) throw new Error(`${where}, offset ${key}: eight bytes of a key`);
  }
}
