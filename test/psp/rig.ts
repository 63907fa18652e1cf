// A machine whose secure processor is driven command by command, as a hypervisor's driver would, and what it must not change.
import { featuresOf } from "../../dist/chip/chip.js";
import { MailboxDriver } from "../../dist/hypervisor/mailbox.js";
import { makeFirmware, makePreGuest, makeShared } from "../../dist/hypervisor/page-state.js";
import { type Prng, prng } from "../../dist/index.js";
import { bufferOf, type Layout } from "../../dist/layout.js";
import { firmware, type Psp } from "../../dist/psp/firmware.js";
import type { Storage } from "../../dist/psp/storage.js";
import * as Command from "../../ts/abi/command.ts";
import * as Activate from "../../ts/abi/psp/activate.ts";
import * as Gctx from "../../ts/abi/psp/gctx.ts";
import * as Handle from "../../ts/abi/psp/handle.ts";
import * as Init from "../../ts/abi/psp/init.ts";
import * as LaunchStart from "../../ts/abi/psp/launch-start.ts";
import * as SnpActivate from "../../ts/abi/psp/snp-activate.ts";
import * as SnpInitEx from "../../ts/abi/psp/snp-init-ex.ts";
import * as SnpLaunchFinish from "../../ts/abi/psp/snp-launch-finish.ts";
import * as SnpLaunchStart from "../../ts/abi/psp/snp-launch-start.ts";
import * as SnpLaunchUpdate from "../../ts/abi/psp/snp-launch-update.ts";
import * as SnpPage from "../../ts/abi/psp/snp-page.ts";
import * as SnpShutdownEx from "../../ts/abi/psp/snp-shutdown-ex.ts";
import * as Status from "../../ts/abi/status.ts";
import type { PlatformOptions } from "../../ts/platform.ts";
import type { TioPort } from "../../ts/tio-port.ts";
import { hex } from "../core.ts";
import { assert } from "../kit.ts";
import { Lab } from "../lab.ts";
import type { Twin } from "../oracle/psp.ts";

export type Name = keyof typeof Command;
type Values = Parameters<typeof bufferOf>[1];

/** QEMU's default policy. */
export const POLICY = 0x30000n;
/** What an SNP guest has at DEBUG. */
export const DEBUG = 1n << 19n;
export const MIGRATE_MA = 1n << 18n;

/** Below what the lab gives out. */
const TMR = 0xc0_0000n;

export const statusName = (status: number): string =>
  Object.entries(Status).find(([, code]) => code === status)?.[0] ?? `0x${status.toString(16)}`;

export class Rig {
  readonly lab: Lab;
  readonly driver: MailboxDriver;
  readonly psp: Psp;
  readonly storage: Storage;
  /** Bytes of memory. */
  readonly dram: bigint;
  readonly drawn: Uint8Array[] = [];
  readonly #buffers: bigint;

  /** `tio` is what SEV-TIO's firmware reaches of the board. */
  constructor(options: PlatformOptions = {}, tio?: TioPort) {
    const { seed = 1n, chip = "genoa", generation = "sev-snp" } = options;
    this.dram = options.dram ?? 64n << 20n;
    const made = { chip, generation, ...options, dram: this.dram, initialise: false };
    this.lab = new Lab(made, 70);
    this.storage = options.storage ?? new Map();
    this.psp = firmware(
      this.lab.core.firmware,
      {
        chip: this.lab.platform.chip,
        features: featuresOf(generation),
        seed: String(seed),
        dialect: options.dialect ?? "abi",
        storage: this.storage,
        smt: options.smt ?? true,
        sockets: options.sockets ?? 1,
        tio,
        curves: options.curves,
        ...options.firmware,
      },
      (boots, purpose) => this.#recorded(prng(seed, `${purpose} ${boots}`)),
      options.onCommand,
    );
    this.#buffers = this.page();
    this.driver = new MailboxDriver(this.lab.core.host, this.#buffers);
    if (options.initialise === false) return;
    if (this.lab.snp) this.init();
    else if (this.lab.sev) this.sevInit();
  }

  /** Notes what the firmware drew, so that a test knows the keys it made first. */
  #recorded(chance: Prng): Prng {
    return {
      bytes: (length) => {
        const bytes = chance.bytes(length);
        this.drawn.push(bytes);
        return bytes;
      },
    };
  }

  get host() {
    return this.lab.core.host;
  }

  /** The RMP entry of a page, as the firmware sees it. */
  rmp(spa: bigint) {
    return this.lab.core.firmware.rmp(spa);
  }

  /** A page of the hypervisor's. */
  page(): bigint {
    return this.lab.small();
  }

  /** A page with these bytes. */
  filled(bytes: Uint8Array): bigint {
    const spa = this.page();
    assert.ok(this.host.write(spa, bytes));
    return spa;
  }

  /** A page in the Firmware state. */
  firmwarePage(): bigint {
    const spa = this.page();
    makeFirmware(this.host, spa);
    return spa;
  }

  send(name: Name, layout?: Layout, values: Values = {}): number {
    return this.driver.send(Command[name], layout && bufferOf(layout, values));
  }

  exchange(name: Name, layout: Layout, values: Values = {}) {
    return this.driver.exchange(Command[name], bufferOf(layout, values));
  }

  /** Sends a command that must answer a status; a refusal must not change what `state` sees. */
  expect(status: number, name: Name, layout?: Layout, values: Values = {}, why = ""): void {
    const before = this.state();
    const seen = this.send(name, layout, values);
    assert.is(statusName(seen), statusName(status), `${name} ${why}`);
    if (status !== Status.SUCCESS) assert.equal(this.state(), before, `${name} ${why}: changed`);
  }

  /** What of the machine a refusal may not change: every RMP entry and byte of memory, the key slots. */
  state(): string[] {
    const { firmware, dimm } = this.lab.core;
    const out: string[] = [];
    for (let asid = 0; asid < 16; asid++) out.push(`${asid}: ${firmware.slotState(asid)}`);
    for (let spa = 0x100_0000n; spa < this.lab.next; spa += 0x1000n) {
      // The page of command buffers changes with every command.
      if (spa === this.#buffers) continue;
      const { low, high } = firmware.rmp(spa);
      const bytes = new Uint8Array(0x1000);
      dimm.read(spa, bytes);
      out.push(`${spa} ${low} ${high} ${sum(bytes)}`);
    }
    return out;
  }

  /** Throws unless the firmware's states are the twin's. Of contexts only that in `touched` is opened, when it is given. */
  agree(twin: Twin, touched?: readonly bigint[]): void {
    const { platform, sev, contexts } = this.psp;
    const stateOf = (gctx: bigint) => {
      const guest = contexts.open(gctx);
      return typeof guest === "number" ? guest : guest.state;
    };
    const seen = [
      [platform.snp, sev.state],
      contexts.pages(),
      (touched ?? contexts.pages()).map((gctx) => [gctx, stateOf(gctx)]),
      [...sev.guests].map(([handle, { state }]) => [handle, state]),
    ];
    const opened = (touched ?? [...twin.contexts.keys()]).map((gctx) => [
      gctx,
      twin.contexts.get(gctx),
    ]);
    const states = [twin.snp, twin.sev];
    const expected = [states, [...twin.contexts.keys()], opened, [...twin.handles]];
    assert.equal(seen, expected);
  }

  // SNP guests

  create(): bigint {
    const gctx = this.firmwarePage();
    this.expect(Status.SUCCESS, "SNP_GCTX_CREATE", Gctx, { GCTX_PADDR: gctx });
    return gctx;
  }

  start(policy: bigint = POLICY, values: Values = {}): bigint {
    const GCTX_PADDR = this.create();
    const all = { GCTX_PADDR, POLICY: policy, ...values };
    this.expect(Status.SUCCESS, "SNP_LAUNCH_START", SnpLaunchStart, all);
    return GCTX_PADDR;
  }

  activate(GCTX_PADDR: bigint, ASID: number): void {
    this.expect(Status.SUCCESS, "SNP_ACTIVATE", SnpActivate, { GCTX_PADDR, ASID });
  }

  finish(GCTX_PADDR: bigint): void {
    this.expect(Status.SUCCESS, "SNP_LAUNCH_FINISH", SnpLaunchFinish, { GCTX_PADDR });
  }

  /** A launched and activated guest. */
  launched(asid: number, policy: bigint = POLICY): bigint {
    const gctx = this.start(policy);
    this.activate(gctx, asid);
    return gctx;
  }

  running(asid: number, policy: bigint = POLICY): bigint {
    const gctx = this.launched(asid, policy);
    this.finish(gctx);
    return gctx;
  }

  /** A page in the Pre-Guest state, with the host's bytes in it. */
  preGuest(asid: number, gpa: bigint, bytes: Uint8Array = new Uint8Array(0x1000)): bigint {
    const spa = this.filled(bytes);
    makePreGuest(this.host, spa, gpa, asid, false);
    return spa;
  }

  /** LAUNCH_UPDATE of a page; answers where it lies. */
  update(gctx: bigint, asid: number, gpa: bigint, bytes: Uint8Array, type = 1): bigint {
    const PAGE_PADDR = this.preGuest(asid, gpa, bytes);
    const FLAGS = type << SnpLaunchUpdate.PAGE_TYPE_LSB;
    const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS };
    this.expect(Status.SUCCESS, "SNP_LAUNCH_UPDATE", SnpLaunchUpdate, values);
    return PAGE_PADDR;
  }

  decommission(GCTX_PADDR: bigint): void {
    this.expect(Status.SUCCESS, "SNP_DECOMMISSION", Gctx, { GCTX_PADDR });
  }

  reclaim(PAGE_PADDR: bigint): void {
    this.expect(Status.SUCCESS, "SNP_PAGE_RECLAIM", SnpPage, { PAGE_PADDR });
  }

  /** Gives a Firmware page back to the hypervisor, and reads it. */
  takeBack(spa: bigint): Uint8Array {
    this.reclaim(spa);
    makeShared(this.host, spa, false);
    return this.read(spa);
  }

  read(spa: bigint, length = 0x1000): Uint8Array {
    const bytes = new Uint8Array(length);
    assert.ok(this.host.read(spa, bytes));
    return bytes;
  }

  /** What a guest has in a page of its own. */
  plain(spa: bigint, asid: number): Uint8Array {
    const bytes = new Uint8Array(0x1000);
    assert.ok(this.lab.core.firmware.read(spa, asid, bytes));
    return bytes;
  }

  /** WBINVD and SNP_DF_FLUSH. */
  flush(): void {
    this.host.wbinvd();
    this.expect(Status.SUCCESS, "SNP_DF_FLUSH");
  }

  /** SNP_INIT_EX with what the flags say. */
  init(FLAGS = 1, values: Values = {}): void {
    this.expect(Status.SUCCESS, "SNP_INIT_EX", SnpInitEx, { FLAGS, ...values });
    this.driver.snp = true;
  }

  /** SNP_INIT_EX with ciphertext hiding. */
  hide(MAX_SNP_ASID: number): void {
    const FLAGS = (1 << SnpInitEx.INIT_RMP_BIT) | (1 << SnpInitEx.CIPHERTEXT_HIDING_EN_BIT);
    this.init(FLAGS, { MAX_SNP_ASID });
  }

  shutDown(): void {
    this.flush();
    const values = { LENGTH: SnpShutdownEx.SIZE, FLAGS: 1 << SnpShutdownEx.X86_SNP_SHUTDOWN_BIT };
    this.expect(Status.SUCCESS, "SNP_SHUTDOWN_EX", SnpShutdownEx, values);
    this.driver.snp = false;
  }

  // SEV guests

  sevInit(): void {
    if (this.lab.platform.generation === "sev") {
      this.expect(Status.SUCCESS, "INIT", Init);
      return;
    }
    if (this.driver.snp)
      for (let at = 0n; at < 0x10_0000n; at += 0x1000n) makeFirmware(this.host, TMR + at);
    const values = { FLAGS: 1 << Init.ES_BIT, TMR_PADDR: TMR, TMR_LENGTH: 0x10_0000 };
    this.expect(Status.SUCCESS, "INIT", Init, values);
  }

  /** A guest in LUPDATE; answers its handle. */
  sevStart(POLICY = 0): number {
    const { status, buffer } = this.exchange("LAUNCH_START", LaunchStart, { POLICY });
    assert.is(statusName(status), "SUCCESS");
    return new DataView(buffer.buffer).getUint32(LaunchStart.HANDLE, true);
  }

  sevActivate(HANDLE: number, ASID: number, status: number = Status.SUCCESS): void {
    this.expect(status, "ACTIVATE", Activate, { HANDLE, ASID });
  }

  onHandle(name: Name, HANDLE: number, status: number = Status.SUCCESS): void {
    this.expect(status, name, Handle, { HANDLE });
  }
}

/** FNV-1a: enough to see a change. */
function sum(bytes: Uint8Array): string {
  let value = 0x811c9dc5;
  for (const word of new Uint32Array(bytes.buffer)) value = Math.imul(value ^ word, 0x01000193);
  return hex(Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
}
