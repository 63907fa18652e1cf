// Gives out five objects over an instance of the silicon, one for each that can touch memory. The raw exports stay in here.

import * as Events from "./abi/events.ts";
import * as Exit from "./abi/exit.ts";
import * as Mailbox from "./abi/mailbox.ts";
import * as Memory from "./abi/memory.ts";
import * as Slot from "./abi/slot.ts";
import * as State from "./abi/state.ts";
import * as Vcpu from "./abi/vcpu.ts";
import { cpuPort, hostCpu } from "./core/cpu.ts";
import { cryptoPort } from "./core/crypto.ts";
import { carried, devicePort, ridOf, securePort, within } from "./core/device.ts";
import { idePort } from "./core/ide.ts";
import { guestRmp, hostRmp } from "./core/rmp.ts";
import { type CoreOptions, eventsOf, type Silicon, silicon, startMachine } from "./core/silicon.ts";
import { Misuse } from "./error.ts";
import type { Core, DimmPort, FirmwarePort, GuestPort, HostPort, VcpuContext } from "./port.ts";
import { replayPort } from "./replay/port.ts";

const PAGE = 0x1000;

/** Makes the silicon of one machine. Throws Misuse for sizes that cannot be. */
export function createCore(options: CoreOptions): Core {
  const made = silicon(options.resident, options.module);
  startMachine(made, options);
  return ports(made, options.cBit);
}

/** The five objects over an instance. */
export function ports(made: Silicon, cBit: number): Core {
  const { exports, view } = made;
  const exits = new Map<number, number>();
  return {
    guest: guestPort(made, exits),
    host: hostPort(made, cBit === 0 ? 0n : 1n << BigInt(cBit)),
    device: devicePort(made),
    ide: idePort(made),
    onMmio(listener) {
      made.mmio = listener;
    },
    firmware: firmwarePort(made),
    dimm: dimmPort(made),
    events: () => eventsOf(view),
    exits: () => exits,
    framesInUse: () => exports.framesInUse(),
  };
}

function dimmPort(made: Silicon): DimmPort {
  const { exports, view } = made;
  const next = (page: number) => exports.nextHeld(page) >>> 0;
  return {
    *held() {
      const pages = view.getUint32(Memory.STATE + State.DRAM_PAGES, true);
      for (let page = next(0); page < pages; page = next(page + 1))
        yield BigInt(page) * BigInt(PAGE);
    },
    read: (spa, into) =>
      readPages(made, spa, into, (at, n) => exports.dimmRead(at, n, Memory.WINDOW)),
    write: (spa, from) =>
      writePages(made, spa, from, (at, n) => exports.dimmWrite(at, n, Memory.WINDOW)),
  };
}

type Step = (address: bigint, bytes: number) => boolean;

/** Bytes of the next piece: none crosses a page, unless the step itself takes `whole` accesses of up to a page. */
function pieceOf(address: bigint, left: number, whole: boolean): number {
  return Math.min(whole && left <= PAGE ? PAGE : PAGE - Number(address & 0xfffn), left);
}

/** Reads piece by piece. A refused piece ends it, and its bytes stay as they were. */
function readPages(
  { window }: Silicon,
  address: bigint,
  into: Uint8Array,
  step: Step,
  whole = false,
): boolean {
  for (let done = 0; done < into.length; ) {
    const at = address + BigInt(done);
    const piece = pieceOf(at, into.length - done, whole);
    if (!step(at, piece)) return false;
    into.set(window(piece), done);
    done += piece;
  }
  return true;
}

function writePages(
  { bytes }: Silicon,
  address: bigint,
  from: Uint8Array,
  step: Step,
  whole = false,
): boolean {
  for (let done = 0; done < from.length; ) {
    const at = address + BigInt(done);
    const piece = pieceOf(at, from.length - done, whole);
    bytes.set(from.subarray(done, done + piece), Memory.WINDOW);
    if (!step(at, piece)) return false;
    done += piece;
  }
  return true;
}

// Up to here a loop beats `set`: an exit's few words are most of what host and guest copy.
const FEW = 32;

/** Whether one step carries it. */
const isPiece = ({ length }: Uint8Array) => length > 0 && length <= PAGE;

/** Copies up to a page out of the window. Always true. */
function takeWindow({ bytes, window }: Silicon, into: Uint8Array): true {
  const { length } = into;
  if (length > FEW) into.set(window(length));
  else for (let i = 0; i < length; i++) into[i] = bytes[Memory.WINDOW + i] as number;
  return true;
}

/** Copies up to a page into the window. */
function fillWindow({ bytes }: Silicon, from: Uint8Array): void {
  const { length } = from;
  if (length > FEW) bytes.set(from, Memory.WINDOW);
  else for (let i = 0; i < length; i++) bytes[Memory.WINDOW + i] = from[i] as number;
}

function setLinks({ view }: Silicon, links: bigint[]): bigint {
  links.forEach((link, index) => {
    view.setBigUint64(Memory.WINDOW + 8 * index, link, true);
  });
  return BigInt(links.length);
}

function guestPort(made: Silicon, exits: Map<number, number>): GuestPort {
  const { exports } = made;
  const load: Step = (at, n) => Boolean(exports.read(at, n, Memory.WINDOW)) || carried(made, n);
  const store: Step = (at, n) => Boolean(exports.write(at, n, Memory.WINDOW)) || carried(made, n);
  return {
    load: (vcpu) => loadVcpu(made, vcpu),
    mayRun: () => Boolean(exports.mayRun()),
    read(gva, into) {
      if (isPiece(into)) return load(gva, into.length) ? takeWindow(made, into) : false;
      return readPages(made, gva, into, load, true);
    },
    fetch: (gva, into) =>
      readPages(made, gva, into, (at, n) => exports.fetch(at, n, Memory.WINDOW), true),
    write(gva, from) {
      if (isPiece(from)) {
        fillWindow(made, from);
        return store(gva, from.length);
      }
      return writePages(made, gva, from, store, true);
    },
    ...guestRmp(made),
    map: (root, gva, leaf, level, linear, links) =>
      exports.mapGuest(root, gva, leaf, level, linear, setLinks(made, links)),
    vmexit(code, info1 = 0n, info2 = 0n) {
      const reason = code === Exit.VMEXIT_VMGEXIT ? Number(info1) || code : code;
      exits.set(reason, (exits.get(reason) ?? 0) + 1);
      exports.vmexit(BigInt(code), info1, info2);
    },
    replay: replayPort(made),
    cpu: cpuPort(made),
    noteBounce: (n) => exports.count(Events.BYTES_BOUNCED, BigInt(n)),
    exit: made.exit,
  };
}

const asidOf = (asid: number): number => within("ASID", asid, Slot.COUNT);

function loadVcpu({ exports, view }: Silicon, vcpu: VcpuContext): void {
  const asid = asidOf(vcpu.asid);
  const vmpl = within("VMPL", vcpu.vmpl, Vcpu.VMPLS);
  const bit = (set: boolean, position: number) => (set ? 2 ** position : 0);
  const mode =
    bit(vcpu.sev, Vcpu.SEV_BIT) +
    bit(vcpu.es, Vcpu.SEV_ES_BIT) +
    bit(vcpu.snp, Vcpu.SEV_SNP_BIT) +
    bit(vcpu.paging, Vcpu.PAGING_BIT);
  view.setUint32(Memory.VCPU + Vcpu.ASID, asid, true);
  view.setUint32(Memory.VCPU + Vcpu.VMPL, vmpl, true);
  view.setUint32(Memory.VCPU + Vcpu.CPL, vcpu.cpl, true);
  view.setUint32(Memory.VCPU + Vcpu.MODE, mode, true);
  view.setBigUint64(Memory.VCPU + Vcpu.CR3, vcpu.cr3, true);
  view.setBigUint64(Memory.VCPU + Vcpu.NCR3, vcpu.ncr3, true);
  // Other tables or another mode under the same ASID: what was remembered of the old ones is forgotten.
  const last = Memory.ENTERED + (asid * Vcpu.VMPLS + vmpl) * Vcpu.SIZE;
  const same =
    view.getUint32(last + Vcpu.MODE, true) === mode &&
    view.getBigUint64(last + Vcpu.CR3, true) === vcpu.cr3 &&
    view.getBigUint64(last + Vcpu.NCR3, true) === vcpu.ncr3;
  if (same) return;
  view.setUint32(last + Vcpu.MODE, mode, true);
  view.setBigUint64(last + Vcpu.CR3, vcpu.cr3, true);
  view.setBigUint64(last + Vcpu.NCR3, vcpu.ncr3, true);
  exports.flushAsid(asid);
}

function hostPort(made: Silicon, cBit: bigint): HostPort {
  const { exports } = made;
  return {
    read(spa, into, encrypted = false) {
      const step: Step = (at, n) =>
        Boolean(exports.hostRead(at, encrypted, n, Memory.WINDOW)) || carried(made, n);
      if (!isPiece(into)) return readPages(made, spa, into, step, true);
      return step(spa, into.length) ? takeWindow(made, into) : false;
    },
    write(spa, from, encrypted = false) {
      const step: Step = (at, n) =>
        Boolean(exports.hostWrite(at, encrypted, n, Memory.WINDOW)) || carried(made, n);
      if (!isPiece(from)) return writePages(made, spa, from, step, true);
      fillWindow(made, from);
      return step(spa, from.length);
    },
    ...hostRmp(made),
    mapNested: (root, gpa, leaf, level, links) =>
      exports.mapNested(root, gpa, leaf, level, cBit, setLinks(made, links)),
    nestedEntry: (root, gpa) => BigInt.asUintN(64, exports.nestedEntry(root, gpa, cBit)),
    flushAsid: (asid) => exports.flushAsid(asidOf(asid)),
    wbinvd: () => exports.writeBackAll(),
    invd: () => exports.invalidateAll(),
    readRegister: (offset) => exports.readRegister(offset) >>> 0,
    writeRegister(offset, value) {
      if (exports.writeRegister(offset, value)) made.doorbell();
    },
    attach: (device, ncr3) => Boolean(exports.attach(ridOf(device), ncr3)),
    ...hostCpu(made),
    exit: made.exit,
  };
}

function firmwarePort(made: Silicon): FirmwarePort {
  const { exports, bytes, view } = made;
  const register = (offset: number) => view.getUint32(Memory.MAILBOX + offset, true);
  const id = (2 ** Mailbox.COMMAND_WIDTH - 1) << Mailbox.COMMAND_LSB;
  return {
    ...cryptoPort(made),
    onDoorbell(listener) {
      made.doorbell = listener;
    },
    respond(status) {
      exports.respond(status);
    },
    command: () => ({
      id: (register(Mailbox.CMD_RESP) & id) >>> Mailbox.COMMAND_LSB,
      buffer:
        (BigInt(register(Mailbox.CMD_BUF_ADDR_HI)) << 32n) |
        BigInt(register(Mailbox.CMD_BUF_ADDR_LO)),
    }),
    read: (spa, key, into) =>
      readPages(made, spa, into, (at, n) => exports.pspRead(at, key, n, Memory.WINDOW)),
    write: (spa, key, from) =>
      writePages(made, spa, from, (at, n) => exports.pspWrite(at, key, n, Memory.WINDOW)),
    rmp: (spa) => ({
      low: BigInt.asUintN(64, exports.rmpLow(spa)),
      high: BigInt.asUintN(64, exports.rmpHigh(spa)),
    }),
    setRmp: (spa, low, high) => Boolean(exports.setRmp(spa, low, high)),
    fullPermissions: () => view.getUint32(Memory.STATE + State.VMPL_FULL, true),
    covered: (spa) => Boolean(exports.covered(spa)),
    enforceRmp: (on) => exports.enforceRmp(on),
    clearRmp: () => exports.clearRmp(),
    hideCiphertext: (on) => exports.hideCiphertext(on),
    installKey(asid, key, tweakKey) {
      const { length } = key;
      if ((length !== 16 && length !== 32) || tweakKey.length !== length)
        throw new Misuse(`key: ${length} bytes and ${tweakKey.length}, expected 16 or 32 each`);
      bytes.set(key, Memory.WINDOW);
      bytes.set(tweakKey, Memory.WINDOW + length);
      exports.installKey(asidOf(asid), Memory.WINDOW, Memory.WINDOW + length, length);
      // Parts that take 256 bits have one mode for them: AES-256-XTS.
      if (length === 32) exports.setXts(asid);
      bytes.fill(0, Memory.WINDOW, Memory.WINDOW + 2 * length);
    },
    removeKey: (asid) => exports.removeKey(asidOf(asid)),
    noteVmsa: (spa, asid) => Boolean(exports.noteVmsa(spa, asidOf(asid))),
    forgetVmsa: (spa) => exports.forgetVmsa(spa),
    flushes: () => exports.flushes(),
    slotState: (asid) => exports.slotState(asidOf(asid)),
    validatedOf: (asid) => BigInt.asUintN(64, exports.validatedOf(asidOf(asid))),
    ...securePort(made),
  };
}
