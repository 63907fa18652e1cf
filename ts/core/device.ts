// The IOMMU as an instance has it: requests of devices, secure entries; and the accesses that leave for a root port.
import * as DeviceTable from "../abi/device-table.ts";
import * as Exit from "../abi/exit.ts";
import * as Memory from "../abi/memory.ts";
import * as Slot from "../abi/slot.ts";
import * as Vcpu from "../abi/vcpu.ts";
import { Misuse } from "../error.ts";
import type { DevicePort, SecurePort, Via } from "../port.ts";
import type { Silicon } from "./silicon.ts";

const PAGE = 0x1000;

/** Throws Misuse for a number that the machine has no field for. */
export function within(name: string, value: number, end: number): number {
  if (Number.isInteger(value) && value >= 0 && value < end) return value;
  throw new Misuse(`${name}: ${value}, expected 0 to ${end - 1}`);
}

export const ridOf = (rid: number): number => within("device", rid, DeviceTable.RIDS);
const asidOf = (asid: number): number => within("ASID", asid, Slot.COUNT);

const viaOf = (via: Via | undefined): number =>
  via
    ? (via.streamId << DeviceTable.STREAM_LSB) | (via.rootPortId << DeviceTable.ROOT_PORT_LSB)
    : DeviceTable.UNTRUSTED;

/** A device's requests. No piece crosses a page; a refused one ends it, and its bytes stay as they were. */
export function devicePort(made: Silicon): DevicePort {
  const { exports, bytes } = made;
  const pieces = (
    gpa: bigint,
    length: number,
    step: (at: bigint, done: number, n: number) => boolean,
  ): boolean => {
    for (let done = 0; done < length; ) {
      const at = gpa + BigInt(done);
      const n = Math.min(PAGE - Number(at & 0xfffn), length - done);
      if (!step(at, done, n)) return false;
      done += n;
    }
    return true;
  };
  return {
    read(device, gpa, into, via) {
      const [rid, how] = [ridOf(device), viaOf(via)];
      return pieces(gpa, into.length, (at, done, n) => {
        if (!exports.dmaRead(rid, how, at, n, Memory.WINDOW)) return false;
        into.set(bytes.subarray(Memory.WINDOW, Memory.WINDOW + n), done);
        return true;
      });
    },
    write(device, gpa, from, via) {
      const [rid, how] = [ridOf(device), viaOf(via)];
      return pieces(gpa, from.length, (at, done, n) => {
        bytes.set(from.subarray(done, done + n), Memory.WINDOW);
        return Boolean(exports.dmaWrite(rid, how, at, n, Memory.WINDOW));
      });
    },
    exit: made.exit,
  };
}

/** The secure device table and its fences. */
export function securePort({ exports }: Silicon): SecurePort {
  return {
    setSecure(rid, entry) {
      const { read, write, vTom, asid, vmpl, streamIds, rootPortId } = entry;
      const secure =
        2 ** DeviceTable.VALID_BIT +
        (read ? 2 ** DeviceTable.READ_BIT : 0) +
        (write ? 2 ** DeviceTable.WRITE_BIT : 0) +
        (vTom === undefined ? 0 : 2 ** DeviceTable.VTOM_BIT);
      const level = within("VMPL", vmpl, Vcpu.VMPLS);
      const via = viaOf({ streamId: streamIds[0] ?? 0xff, rootPortId });
      if (exports.setSecure(ridOf(rid), secure, asidOf(asid), level, vTom ?? 0n, via)) return;
      throw new Misuse(`device ${rid}: the IOMMU has ${DeviceTable.ROWS - 1} rows, all are taken`);
    },
    clearSecure: (rid) => exports.clearSecure(ridOf(rid)),
    fence(rid, asid) {
      const bits = exports.fenceOf(ridOf(rid), asidOf(asid));
      const bit = (position: number) => ((bits >> position) & 1) === 1;
      const raised = bit(DeviceTable.FENCE_DEFAULT_BIT) ? "default" : "none";
      return {
        dma: bit(DeviceTable.FENCE_ERROR_BIT) ? "error" : raised,
        mmio: bit(DeviceTable.FENCE_MMIO_BIT),
      };
    },
    clearFence: (rid, asid) => exports.clearFence(ridOf(rid), asidOf(asid)),
    secureVia(rid, asid) {
      const via = exports.secureVia(ridOf(rid), asidOf(asid)) >>> 0;
      if (via === DeviceTable.UNTRUSTED) return undefined;
      return { streamId: via & 0xff, rootPortId: via >>> DeviceTable.ROOT_PORT_LSB };
    },
  };
}

/** Carries a load or store of `n` bytes to its register, if that is why the core stopped: the window has or gets its bytes. */
export function carried({ view, bytes, mmio }: Silicon, n: number): boolean {
  const at = Memory.EXIT;
  if (view.getUint32(at + Exit.KIND, true) !== Exit.MMIO) return false;
  const tee = view.getBigUint64(at + Exit.CODE, true) !== 0n;
  const access = {
    spa: view.getBigUint64(at + Exit.SPA, true),
    asid: tee ? view.getUint32(Memory.VCPU + Vcpu.ASID, true) : undefined,
    write: view.getBigUint64(at + Exit.INFO1, true) !== 0n,
  };
  // A copy: a device that is told something may use the window for its own requests before it is done.
  const data = bytes.slice(Memory.WINDOW, Memory.WINDOW + n);
  mmio(access, data);
  bytes.set(data, Memory.WINDOW);
  return true;
}
