// The board: devices behind root ports, and every request between cores, devices, IOMMU and memory. PCIe 2.4; AMD 48882.

import type { Dma } from "../../dist/device/endpoint.js";
import { createPlatform, type PlatformOptions } from "../../dist/index.js";
import * as Exit from "../../ts/abi/exit.ts";
import * as Event from "../../ts/abi/iommu-event.ts";
import { hex, MIB, pattern, withCore } from "../core.ts";
import { toyCurves } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";
import { Trusted } from "./trusted.ts";

const test = suite("the board");

const BAR_GPA = 0x1_0000_0000n;
const BUFFER = 0x10000n;

/** Keeps what is stored, and its own road to memory. */
function scratch(made: Dma[]) {
  return (dma: Dma) => {
    const bytes = new Uint8Array(0x4000);
    made.push(dma);
    return {
      load: (_: number, offset: number, into: Uint8Array) =>
        into.set(bytes.subarray(offset, offset + into.length)),
      store: (_: number, offset: number, from: Uint8Array) => bytes.set(from, offset),
      reset: () => void bytes.fill(0),
    };
  };
}

function machine(options: Partial<PlatformOptions> = {}, vfs = 2) {
  const dmas: Dma[] = [];
  const device = { behaviour: scratch(dmas), vfs, curves: toyCurves };
  const platform = createPlatform({
    generation: "sev-tio",
    dram: 1n << 30n,
    resident: 64 * MIB,
    devices: [device, device],
    ...withCore,
    ...options,
  });
  const vm = platform.createVm({ memory: 0x400000n, pageSize: "4k" });
  return { platform, vm, dmas, board: platform.board! };
}

/** A guest's page with content, and reads and writes as that guest. */
function guestPage({ platform, vm }: ReturnType<typeof machine>, asVm = vm) {
  const { guest, firmware } = platform.core;
  const context = { asid: asVm.asid, vmpl: 0, cpl: 0 as const, sev: true, es: true, snp: true };
  const load = () => guest.load({ ...context, paging: false, cr3: 0n, ncr3: asVm.root });
  asVm.back(BUFFER, true);
  load();
  guest.pvalidate(BUFFER, false, true);
  return { load, guest, firmware };
}

test("software finds root ports and devices by BDF, with IDE at both ends and the port's number in LNKCAP", () => {
  const { board } = machine();
  const { bridge } = board;
  assert.is(bridge.read(0x0008, 0, 4), 0x10f0_1af4);
  assert.is(bridge.read(0x0010, 0x19, 1), 2, "the secondary bus of root port 2");
  assert.is(bridge.read(0x0010, 0x4c, 4) >>> 24, 2, "LNKCAP's port number");
  assert.is(bridge.read(0x0008, 0x0e, 1) & 0x7f, 1);
  assert.is(bridge.read(0x0100, 0x0e, 1) & 0x7f, 0);
  assert.is(bridge.read(0x0200, 0x200, 4) & 0xffff, 0x30, "IDE");
  assert.is(bridge.read(0x0300, 0, 4), 0xffff_ffff);
  const bars = [0x100, 0x200].map((bdf) => bridge.read(bdf, 0x14, 4));
  assert.equal(bars, [0x80, 0x80]);
  assert.is.not(bridge.read(0x100, 0x10, 4), bridge.read(0x200, 0x10, 4));
});

test("an interface in RUN reads and writes its guest's private memory under IDE, and its registers are the guest's alone", () => {
  const made = machine();
  const { vm, dmas, board, platform } = made;
  const trusted = new Trusted(platform);
  const { load, guest } = guestPage(made);
  vm.mapRegisters(BAR_GPA, trusted.barOf(0x100), 0x4000n);
  trusted.bind(vm, 0x100, BAR_GPA);
  load();
  assert.ok(guest.write(BUFFER, pattern(300, 1)));
  const into = new Uint8Array(300);
  assert.is(dmas[0]!.read(BUFFER, into), "done");
  assert.is(hex(into), hex(pattern(300, 1)));
  assert.is(dmas[0]!.write(BUFFER + 1n, pattern(100, 2)), "done");
  assert.ok(guest.read(BUFFER + 1n, into.subarray(0, 100)));
  assert.is(hex(into.subarray(0, 100)), hex(pattern(100, 2)));
  assert.ok(guest.write(BAR_GPA + 0x40n, pattern(16, 3)));
  assert.ok(guest.read(BAR_GPA + 0x40n, into.subarray(0, 16)));
  assert.is(hex(into.subarray(0, 16)), hex(pattern(16, 3)));
  assert.ok(platform.core.host.read(trusted.barOf(0x100) + 0x40n, into.subarray(0, 16)));
  assert.is(hex(into.subarray(0, 16)), "ff".repeat(16), "the host has no T bit");
  assert.equal(board.iommu.events, []);
  const { counters } = trusted.slot.rootPort.link;
  assert.is(counters.protectedTlps, counters.tlps - 2, "all but the host's read and its refusal");
});

test("an interface that is not bound reaches what the host shares, and the log says what it was refused", () => {
  const made = machine();
  const { platform, vm, dmas, board } = made;
  guestPage(made);
  platform.core.host.attach(0x100, vm.root);
  assert.is(dmas[0]!.write(BUFFER, pattern(8, 1)), "done", "posted");
  const entry = board.iommu.events.map((each) => new DataView(each.buffer));
  assert.is(entry.length, 1);
  assert.is(entry[0]!.getUint16(Event.DEVICE_ID, true), 0x100);
  assert.is(
    entry[0]!.getUint16(Event.CODE_FLAGS, true),
    (Exit.RMP_PAGE_FAULT << Event.CODE_LSB) | 0x20,
  );
  assert.is(entry[0]!.getBigUint64(Event.ADDRESS, true), BUFFER);
  assert.is(
    dmas[1]!.read(BUFFER, new Uint8Array(8)),
    "refused",
    "nobody attached the virtual function",
  );
});

test("interfaces of one device are different guests', and none reaches the other's memory or registers", () => {
  const made = machine();
  const { platform, vm, dmas } = made;
  const other = platform.createVm({ memory: 0x400000n, pageSize: "4k" });
  const trusted = new Trusted(platform);
  const mine = guestPage(made);
  mine.guest.write(BUFFER, pattern(16, 1));
  const theirs = guestPage(made, other);
  theirs.guest.write(BUFFER, pattern(16, 2));
  for (const [owner, rid] of [
    [vm, 0x101],
    [other, 0x102],
  ] as const) {
    owner.mapRegisters(BAR_GPA, trusted.barOf(rid), 0x4000n);
    trusted.bind(owner, rid, BAR_GPA);
  }
  const into = new Uint8Array(16);
  for (const n of [1, 2]) {
    assert.is(dmas[n]!.read(BUFFER, into), "done");
    assert.is(hex(into), hex(pattern(16, n)));
  }
  // The host points one guest's mapping at the other's registers: the RMP does not know it there.
  mine.load();
  assert.ok(mine.guest.write(BAR_GPA, pattern(16, 5)));
  const entry = platform.core.host.nestedEntry(other.root, BAR_GPA);
  platform.core.host.mapNested(vm.root, BAR_GPA, entry, 0, []);
  platform.core.host.flushAsid(vm.asid);
  assert.not.ok(mine.guest.write(BAR_GPA, pattern(16, 6)));
  assert.is(mine.guest.exit().code, BigInt(Exit.VMEXIT_NPF));
  theirs.load();
  assert.ok(theirs.guest.read(BAR_GPA, into));
  assert.is(hex(into), "00".repeat(16));
});

test("without a secure entry, or behind a fence, a guest's registers read as ones although the RMP lets it go", () => {
  const made = machine();
  const { platform, vm, board } = made;
  const trusted = new Trusted(platform);
  const { load, guest } = guestPage(made);
  vm.mapRegisters(BAR_GPA, trusted.barOf(0x100), 0x4000n);
  trusted.bind(vm, 0x100, BAR_GPA);
  load();
  guest.write(BAR_GPA, pattern(4, 1));
  board.tio.sdteClear(0x100);
  const into = new Uint8Array(4);
  assert.ok(guest.read(BAR_GPA, into));
  assert.is(hex(into), "ffffffff");
  assert.equal(board.tio.fence(0x100, vm.asid), { dma: "default", mmio: true });
});

test("a guest's private access to registers never goes without the T bit, though the interface would take it so", () => {
  const made = machine();
  const { platform, vm } = made;
  const trusted = new Trusted(platform);
  const { load, guest } = guestPage(made);
  const bar = trusted.barOf(0x100);
  vm.mapRegisters(BAR_GPA, bar, 0x4000n);
  // Validated, but not locked: no secure entry.
  trusted.validate(vm, 0x100, BAR_GPA);
  load();
  assert.ok(guest.write(BAR_GPA, pattern(16, 5)));
  const into = new Uint8Array(16);
  assert.ok(platform.core.host.read(bar, into));
  assert.is(hex(into), "00".repeat(16), "it was not told");
});

test("a board without devices has no root port, and one with too many is refused by name", () => {
  const bare = createPlatform({ generation: "sev-tio", resident: 64 * MIB, ...withCore });
  assert.is(bare.board, undefined);
  assert.is(bare.hypervisor.bridge, undefined);
  const behaviour = scratch([]);
  const many = Array.from({ length: 16 }, () => ({ behaviour, curves: toyCurves }));
  assert.throws(() => machine({ devices: many }), /devices: 16, expected at most 15/);
  assert.throws(() => machine({ devices: [{ behaviour, vfs: 32 }] }), /vfs: 32/);
});
