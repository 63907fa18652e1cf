// A hypervisor and a guest at random before SEV-TIO's firmware: command buffers and messages from one seed, most of them nearly right,
// answers of the device altered, left out or given twice. After each step the states are where the twin's tables lead, the root port has
// keys and the IOMMU entries only for what is bound, and now and then all of memory is searched for keys and nonces. Run: node --import
// tsx test/tio/fuzz.ts [steps] [seed]. A failure names both, and the command.

import { pathToFileURL } from "node:url";
import { seal } from "../../dist/guest-message.js";
import { TioBuffer } from "../../dist/hypervisor/tsm/buffers.js";
import { bufferOf, fieldsOf, type Layout } from "../../dist/layout.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import { commands } from "../../dist/psp/table.js";
import { dataObject, dataObjectOf } from "../../dist/spdm/data-object.js";
import * as Command from "../../ts/abi/command.ts";
import * as Header from "../../ts/abi/psp/tio-buffer.ts";
import * as SpdmObject from "../../ts/abi/psp/tio-spdm-object.ts";
import * as Tio from "../../ts/abi/psp/tio-values.ts";
import * as Status from "../../ts/abi/status.ts";
import { Chance } from "../core.ts";
import { statusName } from "../psp/rig.ts";
import { KeyScan } from "../psp/scan.ts";
import {
  BROKEN,
  CONNECTED,
  CREATED,
  dear,
  judge,
  LOCKING,
  MESSAGES,
  type Name,
  OPENING,
  type States,
} from "./judge.ts";
import { GUEST_DEVICE_ID, PF0, ROOT_PORT, TioRig } from "./rig.ts";
import { sessionKeys } from "./session-keys.ts";

type Values = Record<string, number | bigint | Uint8Array>;

const names = (Object.keys(Command) as Name[]).filter((name) => name.startsWith("TIO_"));
const GPA = 0x4000_0000n;

/** How many steps ended with each status. */
export type Tally = Map<string, number>;

class Fuzz {
  readonly rig: TioRig;
  readonly tally: Tally = new Map();
  readonly #chance: Chance;
  readonly #devices: TioBuffer[];
  readonly #tdis: TioBuffer[];
  readonly #buffers: Record<string, TioBuffer>;
  readonly #guests: bigint[];
  readonly #pages: bigint[];
  readonly #firmware: bigint[];

  constructor(seed: number) {
    this.#chance = new Chance(BigInt(seed));
    const rig = new TioRig({ dram: 32n << 20n, seed: BigInt(seed) });
    this.rig = rig;
    const buffer = (bytes: number, lent: boolean) => new TioBuffer(rig.parts, bytes, lent);
    this.#devices = [0, 1].map(() => buffer(0x1000, true));
    this.#tdis = [0, 1, 2].map(() => buffer(0x1000, true));
    this.#buffers = {
      REQ_SLA: buffer(rig.sizes.request, true),
      RESP_SLA: buffer(rig.sizes.request, false),
      SCRATCH_SLA: buffer(rig.sizes.scratch, true),
      OUTPUT_SLA: buffer(rig.sizes.output, true),
    };
    this.#guests = [rig.running(1), rig.running(2), rig.launched(3)];
    this.#pages = Array.from({ length: 6 }, () => rig.page());
    this.#firmware = Array.from({ length: 6 }, () => rig.firmwarePage());
    const spa = rig.device.functions[0]!.barAddress(0)!;
    const state = { assigned: true, pageSize: "4k", immutable: false, asid: 1 } as const;
    for (let i = 0n; i < 4n; i++)
      rig.host.rmpupdate(spa + (i << 12n), { ...state, gpa: GPA + (i << 12n) });
  }

  #below(limit: number): number {
    return this.#chance.below(limit);
  }

  #pick<T>(from: readonly T[]): T {
    return this.#chance.pick(from);
  }

  #once(times: number): boolean {
    return this.#chance.once(times);
  }

  states(): States {
    const { tio } = this.rig.psp;
    const devices = tio.devices().map(([page, { device, pending }]) => {
      const { state } = device;
      return [
        page,
        { state: pending && state === CREATED ? CREATED : state, pending: !!pending },
      ] as const;
    });
    const tdis = tio.tdis().map(([page, { state, device }]) => [page, { state, device }] as const);
    return { devices: new Map(devices), tdis: new Map(tdis) };
  }

  /** One thing that host or guest may do. */
  step(): void {
    if (this.#once(25)) this.#disturb();
    const bound = this.rig.psp.tio.tdis().some(([, { state }]) => state > 0);
    if (this.#once(bound ? 2 : 9)) this.#message();
    else this.#command();
    this.#invariants();
  }

  /** Something that needs no command. */
  #disturb(): void {
    const { host, lab } = this.rig;
    const act = this.#below(5);
    if (act === 0) host.wbinvd();
    else if (act === 1) host.write(this.#pick(this.#pages), this.#bytes(64));
    else if (act === 2) this.#buffers["RESP_SLA"]!.write(4 + this.#below(200), this.#bytes(16));
    else if (act === 3) {
      // A probe alters a context page. Unless the command wrote it anew, what was sealed there is put back.
      const { sla } = this.#pick([...this.#devices, ...this.#tdis]);
      const [kept, noise, seen] = [new Uint8Array(64), this.#bytes(64), new Uint8Array(64)];
      lab.core.dimm.read(sla, kept);
      lab.core.dimm.write(sla, noise);
      this.#command();
      lab.core.dimm.read(sla, seen);
      if (seen.every((byte, i) => byte === noise[i])) lab.core.dimm.write(sla, kept);
    } else if (act === 4 && this.#once(90)) this.rig.device.reset();
  }

  #bytes(length: number): Uint8Array {
    return this.#chance.bytes(length);
  }

  #name(): Name {
    for (;;) {
      const name = this.#pick(names);
      if (!dear.has(name) || this.#once(dear.get(name)!)) return name;
    }
  }

  #command(): void {
    const devices = [...this.states().devices.values()];
    const waiting = this.rig.psp.tio.devices().find(([, { pending }]) => pending)?.[1].pending;
    // A command under way is mostly gone on with.
    if (waiting && !this.#once(3)) {
      if (!this.#once(10) && !this.#carry() && this.#once(4)) return this.#giveUp();
      const name = names.find((each) => Command[each] === waiting.command) as Name;
      return this.#send(name, waiting.buffer.slice());
    }
    const isBroken = devices.some(({ state, pending }) => state === BROKEN || pending);
    // Where nothing is connected there is little to do but connect; where a session broke, but to end it.
    const idle = !devices.some(({ state }) => state === CONNECTED);
    const opens = idle && this.#once(isBroken ? 8 : 30);
    const { tdis } = this.states();
    const locks = !idle && ![...tdis.values()].some(({ state }) => state > 0) && this.#once(3);
    const name = opens ? this.#pick(OPENING) : locks ? this.#pick(LOCKING) : this.#name();
    const layout = commands.get(Command[name])!.layout as Layout;
    const ends = isBroken && name === "TIO_DEV_DISCONNECT" ? { FLAGS: 1 } : {};
    const buffer = bufferOf(layout, { ...this.#values(name, layout), ...ends });
    if (this.#once(60)) buffer[this.#below(buffer.length)]! ^= 1 << this.#below(8);
    this.#send(name, buffer);
  }

  /** The device does not answer: its host ends what is under way. */
  #giveUp(): void {
    const name = this.#pick(["TIO_DEV_DISCONNECT", "TIO_DEV_RECLAIM"] as const);
    const layout = commands.get(Command[name])!.layout as Layout;
    const force = "FLAGS" in layout ? { FLAGS: 1 } : {};
    this.#send(name, bufferOf(layout, { ...this.#values(name, layout), ...force }));
  }

  /** Sends a command, and carries its messages, mostly to the end and mostly as they are. */
  #send(name: Name, buffer: Uint8Array): void {
    for (let turns = 0; turns < 64; turns++) {
      const before = this.states();
      const status = this.rig.driver.send(Command[name], buffer);
      this.tally.set(statusName(status), (this.tally.get(statusName(status)) ?? 0) + 1);
      judge(name, buffer, status, before, this.states());
      if (status !== Status.SPDM_REQUEST) return;
      if (this.#once(200) || !this.#carry()) return;
    }
  }

  /** One message to the device and back. False: the host lets it lie. */
  #carry(): boolean {
    const request = this.#buffers["REQ_SLA"]!;
    const object = request.read(Header.SIZE, request.u32(Header.SIZE + SpdmObject.LENGTH));
    const type = object[SpdmObject.DATA_TYPE]!;
    const answer = this.rig.device.exchange(dataObject(type, object.subarray(SpdmObject.SIZE)));
    const payload = answer && dataObjectOf(answer)?.payload.slice();
    if (!payload || payload.length > request.bytes - 96) return false;
    if (this.#once(1500)) payload[this.#below(payload.length)]! ^= 1 << this.#below(8);
    this.#respond(
      type,
      this.#once(3000) ? payload.subarray(0, this.#below(payload.length)) : payload,
    );
    return true;
  }

  #respond(type: number, message: Uint8Array): void {
    const length = Math.ceil((SpdmObject.SIZE + message.length) / 32) * 32;
    const bytes = new Uint8Array(Header.SIZE + length);
    const view = new DataView(bytes.buffer);
    view.setUint32(Header.CAPACITY_SZ, this.#buffers["RESP_SLA"]!.bytes, true);
    view.setUint32(Header.PAYLOAD_SZ, length, true);
    const at = Header.SIZE;
    view.setUint32(at + SpdmObject.ID, Tio.ID_RESP, true);
    view.setUint32(at + SpdmObject.LENGTH, length, true);
    bytes[at + SpdmObject.VERSION_MAJOR] = 1;
    bytes[at + SpdmObject.DATA_TYPE] = type;
    bytes.set(message, at + SpdmObject.SIZE);
    if (this.#once(900)) bytes[this.#below(at + SpdmObject.SIZE)]! ^= 1 << this.#below(8);
    this.#buffers["RESP_SLA"]!.write(0, bytes);
  }

  #values(name: Name, layout: Layout): Values {
    const values: Values = {};
    for (const { name: field, bytes } of fieldsOf(layout)) {
      if (field.startsWith("RESERVED_")) continue;
      values[field] = this.#once(50) ? this.#wild(bytes) : this.#value(name, layout, field);
    }
    return values;
  }

  #wild(bytes: number): bigint | Uint8Array {
    return bytes > 8 ? this.#bytes(bytes) : BigInt(this.#below(2 ** Math.min(8 * bytes, 32)));
  }

  #value(name: Name, layout: Layout, field: string): number | bigint | Uint8Array {
    const main = !this.#once(10);
    if (field === "LENGTH") return layout.SIZE;
    if (field in this.#buffers)
      return this.#once(90) ? this.#buffers["OUTPUT_SLA"]!.sla : this.#buffers[field]!.sla;
    if (field === "DEV_CTX_SLA")
      return main ? this.#devices[0]!.sla : this.#pick(this.#devices).sla;
    if (field === "TDI_CTX_SLA") return main ? this.#tdis[0]!.sla : this.#pick(this.#tdis).sla;
    if (field === "GCTX_PADDR") return main ? this.#guests[0]! : this.#pick(this.#guests);
    if (field === "DEVICE_ID") return main ? PF0 : 0x1000;
    if (field === "ROOT_PORT_ID") return main ? ROOT_PORT : 9;
    if (field === "INTERFACE_ID") return this.#interface(main);
    if (field === "TC_MASK" || field === "REQ_PADDR")
      return field === "TC_MASK" ? 1 : this.#pages[0]!;
    if (field === "IDE_STREAM_ID") return Uint8Array.of(0, 255, 255, 255, 255, 255, 255, 255);
    if (/STATUS_PADDR|RES_PADDR/.test(field))
      return this.#pick(main ? this.#firmware : this.#pages);
    if (field === "GUEST_DEVICE_ID") return GUEST_DEVICE_ID;
    if (field === "TDISP_LOCK_FLAGS") return this.#pick([0x10, 0x10, 0x14, 0x11, 0x18]);
    if (field === "ASID") return this.#pick([1, 2, 3, 0]);
    if (field === "FLAGS") return this.#once(name === "TIO_TDI_UNBIND" ? 3 : 9) ? 1 : 0;
    if (field === "RUN") return this.#below(2);
    return 0;
  }

  #interface(main: boolean): Uint8Array {
    const id = new Uint8Array(12);
    new DataView(id.buffer).setUint32(0, main ? PF0 : this.#pick([0xbeef, 0x9999, PF0]), true);
    return id;
  }

  /** A guest's message about an interface. */
  #message(): void {
    const { rig } = this;
    const gctx = this.#once(8) ? this.#pick(this.#guests) : this.#guests[0]!;
    const guest = rig.psp.contexts.open(gctx) as GuestContext;
    const vmpck = this.#below(4) as 0 | 1 | 2 | 3;
    const [type, bytes] = this.#pick(MESSAGES);
    const payload = new Uint8Array(this.#once(30) ? this.#below(200) : bytes);
    const view = new DataView(payload.buffer);
    if (payload.length >= 16)
      view.setUint16(0, this.#once(9) ? this.#below(99) : GUEST_DEVICE_ID, true);
    if (type === 21 && payload.length === 48) {
      view.setBigUint64(16, GPA + (BigInt(this.#below(5)) << 12n), true);
      view.setUint32(24, 1 + this.#below(3), true);
      view.setUint32(28, this.#below(4), true);
      view.setUint16(32, this.#below(4), true);
    }
    if (type === 23 && payload.length === 16) view.setUint32(8, this.#below(2), true);
    if (type === 25 && payload.length === 80) {
      payload[16] = 1;
      payload[16 + 30] = this.#below(4) << 1;
    }
    if (payload.length > 0 && this.#once(6))
      payload[this.#below(payload.length)] = this.#below(256);
    const count = guest.messageCount[vmpck]!;
    const seqno = this.#once(20) ? count + BigInt(this.#below(4)) : count + 1n;
    const head = { seqno, type, version: this.#once(30) ? 2 : 1, vmpck };
    const page = seal(guest.vmpck[vmpck]!, head, payload.subarray(0, 4000));
    if (this.#once(10)) page[this.#below(0x60 + payload.length)]! ^= 1 << this.#below(8);
    rig.host.write(this.#pages[0]!, page);
    const layout = commands.get(Command.TIO_GUEST_REQUEST)!.layout as Layout;
    const values = { ...this.#values("TIO_GUEST_REQUEST", layout), GCTX_PADDR: gctx };
    this.#send("TIO_GUEST_REQUEST", bufferOf(layout, values));
  }

  /** What holds whatever was done. */
  #invariants(): void {
    const { devices, tdis } = this.states();
    const { board } = this.rig;
    const alive = [...devices.values()].some(
      ({ state, pending }) => state === CONNECTED || pending,
    );
    if (board.keys.size > 0 && !alive) throw new Error("the root port has keys of no device");
    const bound = [...tdis.values()].some(
      ({ state, device }) => state > 0 && devices.get(device)?.state === CONNECTED,
    );
    if (board.entries.size > 0 && !bound) throw new Error("the IOMMU has an entry of no interface");
    for (const entry of board.entries.values())
      if (entry.asid !== 1 && entry.asid !== 2) throw new Error(`an entry of ASID ${entry.asid}`);
  }

  /** Keys and nonces that must not stand in memory. */
  secrets(): Uint8Array[] {
    const keys = [...this.rig.board.keys.values()].map(({ key }) => key);
    return [...keys, ...this.rig.psp.tio.tdis().map(([, { nonce }]) => nonce)];
  }
}

/** Runs `count` steps; throws with the step's number when the machine is not where the twin's tables lead. */
export function fuzz(count: number, seed: number, say: (line: string) => void): Tally {
  const run = new Fuzz(seed);
  const scan = new KeyScan(run.rig);
  const sealed = sessionKeys();
  const every = Math.max(Math.floor(count / 4), 1_500);
  for (let i = 0; i < count; i++) {
    try {
      run.step();
      if (i % 50 === 0) for (const secret of [...run.secrets(), ...sealed()]) scan.keep(secret);
      if (i % every === every - 1) {
        scan.note();
        scan.check();
      }
    } catch (error) {
      throw new Error(`seed ${seed}, step ${i}: ${(error as Error).message}`, { cause: error });
    }
  }
  const told = [...run.tally].map(([name, n]) => `${name} ${n}`).join(", ");
  say(`${count} steps, seed ${seed}, ${scan.keys} secrets; statuses: ${told}`);
  return run.tally;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [count = 200_000, seed = 1] = process.argv.slice(2).map(Number);
  const piece = 25_000;
  for (let done = 0, i = 0; done < count; done += piece, i++)
    fuzz(Math.min(piece, count - done), seed + i, (line) => process.stdout.write(`${line}\n`));
}
