// The scene of an attack on trusted I/O: a guest with a disk of its own, an interface in RUN; and what an attacker has in hand: the
// host, the bridge, the wires of the link, a device and a guest of his own. Never the guest, the firmware or the disk.
import * as Nvme from "../abi/nvme.ts";
import type { BoardDevice, BoardDeviceOptions } from "../board.ts";
import type { ChipName, Generation } from "../chip/chip.ts";
import { Disk, memoryBlocks } from "../device/disk.ts";
import type { Dma, Registers } from "../device/endpoint.ts";
import { CheckFailed } from "../error.ts";
import { drain } from "../guest/driver/io.ts";
import { NvmeDriver } from "../guest/driver/nvme.ts";
import { Kernel } from "../guest/kernel.ts";
import { BAR_GPA, TdiGuest } from "../guest/tdi-guest.ts";
import type { Vm } from "../hypervisor/vm.ts";
import type { HostBridge } from "../pcie/host-bridge.ts";
import type { Link } from "../pcie/link.ts";
import { createPlatform, type Platform } from "../platform.ts";
import type { HostPort } from "../port.ts";
import { prng } from "../prng.ts";
import type { CoreModule } from "../structural.ts";
import { Tsm } from "../tsm/bind.ts";
import type { Got, Outcome } from "./attack.ts";
import { describeIommuEvent } from "./describe.ts";
import { holds, same } from "./verdict.ts";

const MIB = 0x100000;
const MEMORY = 16n << 20n;
const PAGE = 0x1000n;
const BAR_BYTES = 0x4000;
const LENGTH = 512;
const DISK_BYTES = 0x8000;

/** The disk's first virtual function, and the attacker's device. */
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
  /** Every message of the TSM with the disk, as the host carried it. */
  readonly messages: Uint8Array[] = [];
  readonly #platform: Platform;
  #tsm: Tsm;
  readonly #guest: TdiGuest;
  readonly #driver: NvmeDriver;
  readonly #secret: Uint8Array;
  readonly #buffer: bigint;
  #stranger: Vm | undefined;
  /** Why the guest will never run again, when that is so. */
  #stopped: string | undefined;

  constructor({
    chip,
    seed,
    module,
  }: { chip: ChipName; seed: bigint; module?: CoreModule | undefined }) {
    const puppets: Puppet[] = [];
    const disk = (dma: Dma) => new Disk(dma, memoryBlocks(new Uint8Array(DISK_BYTES)));
    const puppet = (dma: Dma) => {
      puppets.push(new Puppet(dma));
      return puppets.at(-1) as Puppet;
    };
    this.#platform = createPlatform({
      chip,
      generation: "sev-tio",
      seed,
      dram: 1n << 30n,
      resident: 64 * MIB,
      devices: [{ behaviour: disk, vfs: 1 }, { behaviour: puppet }],
      ...(module ? { module } : {}),
    });
    const { core, hypervisor, board } = this.#platform;
    this.host = core.host;
    this.bridge = hypervisor.bridge as HostBridge;
    this.puppet = puppets[0] as Puppet;
    this.#secret = prng(seed, "victim").bytes(LENGTH);
    this.link = this.#slot(1).rootPort.link;
    if (!board) throw new CheckFailed("sev-tio: no board");
    this.#tsm = this.#connect(1);
    this.vm = this.#platform.createVm({ memory: MEMORY, pageSize: "4k" });
    const kernel = new Kernel(this.#platform, this.vm);
    this.vm.mapRegisters(BAR_GPA, this.barOf(DISK), BigInt(BAR_BYTES));
    this.host.attach(DISK, this.vm.root);
    this.#guest = new TdiGuest(kernel, BAR_BYTES);
    this.#accept();
    const [buffer, ...pages] = this.#guest.pages(6);
    this.#buffer = buffer?.gva as bigint;
    const { registers, map } = this.#guest;
    this.#driver = new NvmeDriver({ registers, pages, map });
    this.note("the guest locked, attested and accepted the disk: RUN");
  }

  #slot(number: number): BoardDevice {
    return this.#platform.board?.devices[number - 1] as BoardDevice;
  }

  #connect(number: number): Tsm {
    const board = this.#platform.board as NonNullable<Platform["board"]>;
    return new Tsm({
      board,
      slot: this.#slot(number),
      firmware: this.#platform.core.firmware,
      prng: prng(1n, `tsm ${number}`),
      carry: (object, deliver) => {
        if (number === 1) this.messages.push(object.slice());
        return deliver(object);
      },
    });
  }

  #accept(): void {
    this.#tsm.bind(this.vm, DISK);
    if (!this.#tsm.validate(this.vm, this.barOf(DISK), BAR_GPA, BAR_BYTES / Number(PAGE)))
      throw new CheckFailed("MMIO_VALIDATE: refused, expected the guest's pages");
  }

  /** Says what happened. */
  note(event: string): void {
    this.events.push(event);
  }

  /** Where BAR 0 of an interface is. */
  barOf(rid: number): bigint {
    const { port } = this.#slot(rid >> 8);
    const base = rid === port.functionId ? port.barAddress(0) : port.vfBarAddress(0, 0);
    return base ?? 0n;
  }

  /** The spa and the gpa of the page with the secret: a host knows both. */
  get secretPage(): { spa: bigint; gpa: bigint } {
    const gpa = this.#guest.map.addressOf(this.#buffer);
    return { spa: this.vm.spaOf(gpa) as bigint, gpa };
  }

  /** The guest writes its secret to its disk. */
  guestWrites(): void {
    const { kernel } = this.#guest;
    const status = this.#try(() => {
      if (!drain(this.#driver.open(kernel.io))) return "not ready";
      kernel.write(this.#buffer, this.#secret);
      return drain(this.#driver.write(kernel.io, BLOCK, this.#buffer, LENGTH));
    });
    this.note(`the guest wrote its secret to the disk: ${status}`);
  }

  /** The guest reads it back. Undefined: it was told that it cannot, or it will never run again. */
  guestReads(): Uint8Array | undefined {
    const { kernel } = this.#guest;
    const into = new Uint8Array(LENGTH);
    const status = this.#try(() => {
      kernel.write(this.#buffer, into);
      return drain(this.#driver.read(kernel.io, BLOCK, this.#buffer, LENGTH));
    });
    this.note(`the guest read the disk: ${status}`);
    if (status !== Nvme.SUCCESS) return undefined;
    kernel.read(this.#buffer, into);
    return into;
  }

  #try<T>(act: () => T): T | string {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof CheckFailed)) throw error;
      this.#stopped = error.message;
      return error.message;
    }
  }

  /** The guest asks the firmware to let the interface go, as when its driver is removed. */
  unbind(): void {
    this.#tsm.unbind(DISK);
    this.note("the firmware stopped the interface: CONFIG_UNLOCKED, its secure entry cleared");
  }

  /** A guest of the attacker's own, which accepts his device. */
  get stranger(): Vm {
    if (this.#stranger) return this.#stranger;
    this.#stranger = this.#platform.createVm({ memory: MEMORY, pageSize: "4k" });
    new Kernel(this.#platform, this.#stranger);
    this.host.attach(PUPPET, this.#stranger.root);
    this.#connect(2).bind(this.#stranger, PUPPET);
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

  /** A guest that does not look at who is in the slot: it accepts that device as it did the first. */
  reconnect(): void {
    this.#tsm = this.#connect(1);
    this.#accept();
    this.note("the guest accepted whatever is in the slot");
  }

  /** Another device's mailbox is not another's: the host may send the disk what it likes. */
  send(object: Uint8Array): Uint8Array | undefined {
    return this.#slot(1).device.exchange(object);
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
