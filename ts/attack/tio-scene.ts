// The scene of an attack on trusted I/O: a guest with a disk of its own, an interface in RUN; and what an attacker has in hand: the
// host, the bridge, the wires of the link, a device and a guest of his own. Never the guest, the firmware or the disk.
import * as Code from "../abi/exit.ts";
import * as Nvme from "../abi/nvme.ts";
import type { BoardDevice, BoardDeviceOptions } from "../board.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { Disk, memoryBlocks } from "../device/disk.ts";
import type { Dma, Registers } from "../device/endpoint.ts";
import { CheckFailed } from "../error.ts";
import type { Cpu, Step } from "../guest/cpu.ts";
import { DirectMap } from "../guest/driver/io.ts";
import { NvmeDriver, type NvmeStatus } from "../guest/driver/nvme.ts";
import { tioLayout } from "../guest/tio/program.ts";
import type { Vm } from "../hypervisor/vm.ts";
import type { HostBridge } from "../pcie/host-bridge.ts";
import type { Link } from "../pcie/link.ts";
import type { Platform } from "../platform.ts";
import type { HostPort } from "../port.ts";
import { prng } from "../prng.ts";
import type { CoreModule } from "../structural.ts";
import { TioMachine } from "../tio/machine.ts";
import type { Got, Outcome } from "./attack.ts";
import { describe, describeIommuEvent } from "./describe.ts";
import { holds, same } from "./verdict.ts";

const MIB = 0x100000;
const LENGTH = 512;
const DISK_BYTES = 0x8000;
/** Rings and a list, then the page with the secret: private memory of the guest's, mapped as it is. */
const RINGS = [0n, 1n, 2n, 3n, 4n].map((n) => tioLayout.buffers + n * 0x1000n);
const SECRET = tioLayout.buffers + 0x8000n;

/** The disk, its first virtual function, and the attacker's device. */
const SLOT = 0x100;
export const DISK = 0x101;
export const PUPPET = 0x200;
/** Where on the disk the guest keeps its secret. */
export const BLOCK = 8n;

/** A device that does nothing but what the attacker makes it do, and hears what it is told. */
export class Puppet implements Registers {
  readonly dma: Dma;
  readonly heard: Uint8Array[] = [];

  constructor(dma: Dma) {
    this.dma = dma;
  }

  load(_: number, __: number, into: Uint8Array): void {
    into.fill(0x41);
  }

  store(_: number, __: number, from: Uint8Array): void {
    this.heard.push(from.slice());
  }

  reset(): void {}
}

export class TioScene {
  readonly generation: Generation = "sev-tio";
  readonly host: HostPort;
  readonly bridge: HostBridge;
  /** The wires between the disk and its root port. */
  readonly link: Link;
  /** The victim, by its nested tables. */
  readonly vm: Vm;
  readonly puppet: Puppet;
  readonly events: string[] = [];
  /** All that the attacker has seen, or his device was told. */
  readonly heard: Uint8Array[] = [];
  /** Every configuration write to the disk so far: what the host's TSM driver did there, its mailbox too. */
  readonly writes: Parameters<HostBridge["write"]>[] = [];
  readonly #machine: TioMachine;
  readonly #platform: Platform;
  readonly #secret: Uint8Array;
  #rid = 0;
  #registers = 0n;
  #stranger: Vm | undefined;
  /** Why the guest will never run again, when that is so. */
  #stopped: string | undefined;

  constructor({ seed, module }: { chip: ChipName; seed: bigint; module?: CoreModule | undefined }) {
    const puppets: Puppet[] = [];
    const disk = (dma: Dma) => new Disk(dma, memoryBlocks(new Uint8Array(DISK_BYTES)));
    const puppet = (dma: Dma) => {
      puppets.push(new Puppet(dma));
      return puppets.at(-1) as Puppet;
    };
    this.#machine = new TioMachine({
      seed,
      dram: 1n << 30n,
      resident: 64 * MIB,
      devices: [{ behaviour: disk, vfs: 1 }, { behaviour: puppet }],
      ...(module ? { module } : {}),
    });
    this.#platform = this.#machine.platform;
    this.host = this.#platform.core.host;
    this.bridge = this.#platform.hypervisor.bridge as HostBridge;
    this.vm = this.#machine.vm;
    this.puppet = puppets[0] as Puppet;
    this.#secret = prng(seed, "victim").bytes(LENGTH);
    this.link = this.#slot(1).rootPort.link;
    const write = this.bridge.write.bind(this.bridge);
    this.bridge.write = (...request) => {
      if (request[0] === SLOT) this.writes.push(request);
      write(...request);
    };
    this.#endOnRefusal();
    this.accept();
  }

  /** A nested page fault of a page that is mapped is not the host's to serve: the guest will never run again. */
  #endOnRefusal(): void {
    const serve = this.vm.exits.get(Code.VMEXIT_NPF);
    this.vm.exits.set(Code.VMEXIT_NPF, (vm, vcpu, exit) => {
      const isMapped = (exit.info1 & (1n << BigInt(Code.PRESENT_BIT))) !== 0n;
      if (isMapped || !serve) throw new CheckFailed(describe(exit));
      return serve(vm, vcpu, exit);
    });
  }

  #slot(number: number): BoardDevice {
    return this.#platform.board?.devices[number - 1] as BoardDevice;
  }

  /** The machine's TSM connects what is in the disk's slot, the guest locks, attests and accepts its interface. */
  accept(): void {
    const made = this.#machine;
    made.tsm.write(made.node(SLOT, "tsm/connect"), "tsm0");
    this.#rid = made.assign(DISK);
    this.#registers = made.assigned.at(-1)?.bars[0]?.gpa ?? 0n;
    made.write(this.#rid, "tsm/lock", "tsm0");
    made.write(this.#rid, "tsm/accept", "1");
    this.note("the guest locked, attested and accepted the disk: RUN");
  }

  /** Says what happened. */
  note(event: string): void {
    this.events.push(event);
  }

  /** Where BAR 0 of an interface is, and where the guest has the disk's. */
  barOf(rid: number): bigint {
    const { port } = this.#slot(rid >> 8);
    const base = rid === port.functionId ? port.barAddress(0) : port.vfBarAddress(0, 0);
    return base ?? 0n;
  }

  get registers(): bigint {
    return this.#registers;
  }

  /** The spa and the gpa of the page with the secret: a host knows both. */
  get secretPage(): { spa: bigint; gpa: bigint } {
    return { spa: this.vm.spaOf(SECRET) as bigint, gpa: SECRET };
  }

  /** The guest writes its secret to its disk. */
  guestWrites(): void {
    const [pages, registers] = [RINGS.map((gva) => ({ gva, address: gva })), this.#registers];
    this.#driver = new NvmeDriver({ registers, pages, map: new DirectMap((gva) => gva) });
    const status = this.#run((driver, cpu) => this.#writing(driver, cpu));
    this.note(`the guest wrote its secret to the disk: ${status}`);
  }

  *#writing(driver: NvmeDriver, cpu: Cpu): Step<NvmeStatus> {
    if (!(yield* driver.open(cpu))) return "no answer";
    yield* cpu.write(SECRET, this.#secret);
    return yield* driver.write(cpu, BLOCK, SECRET, LENGTH);
  }

  /** The guest reads it back. Undefined: it was told that it cannot, or it will never run again. */
  guestReads(): Uint8Array | undefined {
    const into = new Uint8Array(LENGTH);
    const status = this.#run(function* (driver, cpu) {
      yield* cpu.write(SECRET, into);
      const read = yield* driver.read(cpu, BLOCK, SECRET, LENGTH);
      yield* cpu.read(SECRET, into);
      return read;
    });
    this.note(`the guest read the disk: ${status}`);
    return status === Nvme.SUCCESS ? into : undefined;
  }

  #driver: NvmeDriver | undefined;

  #run(act: (driver: NvmeDriver, cpu: Cpu) => Step<NvmeStatus>): NvmeStatus | string {
    if (this.#stopped !== undefined) return this.#stopped;
    const driver = this.#driver as NvmeDriver;
    let status: NvmeStatus = "no answer";
    try {
      this.#machine.run(function* (_, cpu) {
        status = yield* act(driver, cpu);
      });
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error;
      this.#stopped = error.message;
      return error.message;
    }
    return status;
  }

  /** The guest lets the interface go, as when its driver is removed. */
  unbind(): void {
    this.#machine.write(this.#rid, "tsm/unlock", "tsm0");
    this.note(`the guest let the interface go: it is in ${this.state}`);
  }

  /** A guest of the attacker's own, which accepts his device. */
  get stranger(): Vm {
    if (this.#stranger) return this.#stranger;
    const { platform } = this.#machine;
    const made = new TioMachine({ platform, devices: [], seed: 2n });
    made.tsm.write(made.node(PUPPET, "tsm/connect"), "tsm0");
    const rid = made.assign(PUPPET);
    made.write(rid, "tsm/lock", "tsm0");
    made.write(rid, "tsm/accept", "1");
    this.#stranger = made.vm;
    this.note("the attacker's own guest accepted the attacker's device: RUN");
    return this.#stranger;
  }

  /** A request of the attacker's device, whatever it says whose it is, the way its own requests go. */
  forge(rid: number, gpa: bigint, into: Uint8Array): boolean {
    const { endpoint, port } = this.#slot(2);
    const stream = port.streams[0];
    const tee = stream?.isSecure ?? false;
    return endpoint.port.read(rid, gpa, into, { tee, stream: tee ? stream : undefined }) === "done";
  }

  /** Puts a device in the disk's slot. */
  plug(options: BoardDeviceOptions): void {
    this.#platform.board?.plug(1, options, "second");
    this.note("another device is in the disk's slot");
  }

  /** The host's TSM driver gives up the device that was there. */
  disconnect(): void {
    const made = this.#machine;
    made.tsm.write(made.node(SLOT, "tsm/disconnect"), "tsm0");
  }

  /** The TDISP state of the disk's interface, as its device has it. */
  get state(): string {
    const found = this.#slot(1)
      .device.states()
      .find(({ functionId }) => functionId === DISK);
    return found?.state ?? "gone";
  }

  /** What it came to: what was heard, and what the guest reads now. */
  outcome(): Outcome {
    const read = this.guestReads();
    const heard = [...this.heard, ...this.puppet.heard];
    const mark = this.#secret.subarray(0, 32);
    const log = this.#platform.board?.iommu.events ?? [];
    for (const entry of log) this.note(describeIommuEvent(entry));
    const [first] = log;
    const seen = first ? describeIommuEvent(first) : `the interface is in ${this.state}`;
    const via = this.#stopped ?? seen;
    const answer = (kept: boolean, got: Got): Outcome => ({ protected: kept, got, via });
    if (heard.some((bytes) => holds(bytes, mark))) return answer(false, "plaintext");
    if (read === undefined) return answer(true, "fault");
    return same(read, this.#secret) ? answer(true, "nothing") : answer(false, "altered data");
  }
}
