// Devices that do something: a disk, a network loop and an accelerator, bounced through shared memory and direct as interfaces in
// RUN, with the same drivers. Every request crosses the link.
import { createHash } from "node:crypto";
import { HashAccelerator } from "../../dist/device/accelerator.js";
import { Disk, memoryBlocks } from "../../dist/device/disk.js";
import type { Dma, Registers } from "../../dist/device/endpoint.js";
import { LoopNic } from "../../dist/device/nic.js";
import { AcceleratorDriver } from "../../dist/guest/driver/accelerator.js";
import { NicDriver } from "../../dist/guest/driver/nic.js";
import { NvmeDriver } from "../../dist/guest/driver/nvme.js";
import { createPlatform, type Generation } from "../../dist/index.js";
import * as Nvme from "../../ts/abi/nvme.ts";
import { hex, MIB, pattern, withCore } from "../core.ts";
import { toyCurves } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";
import { IoGuest } from "./guest.ts";
import { Trusted } from "./trusted.ts";

const test = suite("devices at work");

function machine(
  behaviour: (dma: Dma, vf: number | undefined) => Registers,
  generation: Generation = "sev-tio",
  vfs = 3,
) {
  return createPlatform({
    generation,
    dram: 1n << 30n,
    resident: 64 * MIB,
    devices: [{ behaviour, vfs, curves: toyCurves }],
    ...withCore,
  });
}

// how the device is reached, and the generation
const WAYS: ["direct" | "bounced", Generation][] = [
  ["direct", "sev-tio"],
  ["bounced", "sev-tio"],
  ["bounced", "sev-snp"],
  ["bounced", "sev"],
  ["bounced", "none"],
];

function guestOf(platform: ReturnType<typeof machine>, way: "direct" | "bounced"): IoGuest {
  return new IoGuest(platform, 0x100, way === "direct" ? new Trusted(platform) : undefined);
}

/** Everything that crosses the link, joined. */
function tap(platform: ReturnType<typeof machine>): () => string {
  const seen: string[] = [];
  platform.board!.devices[0]!.rootPort.link.interposer = (_, octets) => {
    seen.push(hex(octets));
    return [octets];
  };
  return () => seen.join(" ");
}

for (const [way, generation] of WAYS) {
  const secret = pattern(0x5000, 3);
  const mark = hex(secret.subarray(0x1000, 0x1010));

  test(`${generation}, ${way}: a disk keeps what a guest writes, over one page, two and a list of them`, () => {
    const octets = new Uint8Array(1 << 20);
    const platform = machine((dma) => new Disk(dma, memoryBlocks(octets)), generation);
    const guest = guestOf(platform, way);
    const seen = tap(platform);
    const { registers, rings: pages, map } = guest;
    const { io } = guest.kernel;
    const driver = new NvmeDriver({ registers, pages, map });
    assert.is(guest.run(driver.open(io)), true);
    const [from, to] = [guest.buffer(), guest.buffer()];
    guest.write(from, new Uint8Array(0x1000));
    assert.is(guest.run(driver.blocks(io, from)), 2048n);
    for (const [block, offset, bytes] of [
      [0, 0, 512],
      [3, 0x200, 0x1000],
      [64, 0, 0x2000],
      [100, 0x800, 0x5000],
      [2000, 0, 0x1000],
    ] as const) {
      const data = secret.subarray(0, bytes);
      guest.write(from + BigInt(offset), data);
      assert.is(
        guest.run(driver.write(io, BigInt(block), from + BigInt(offset), bytes)),
        Nvme.SUCCESS,
      );
      assert.is(hex(octets.subarray(block * 512, block * 512 + bytes)), hex(data));
      guest.write(to, new Uint8Array(bytes));
      assert.is(guest.run(driver.read(io, BigInt(block), to, bytes)), Nvme.SUCCESS);
      assert.is(hex(guest.read(to, bytes)), hex(data));
    }
    assert.is(guest.run(driver.read(io, 2047n, to, 1024)), Nvme.LBA_OUT_OF_RANGE);
    for (let n = 0; n < 40; n++) assert.is(guest.run(driver.read(io, 0n, to, 512)), Nvme.SUCCESS);
    assert.is(guest.copied > 0, way === "bounced");
    assert.is(seen().includes(mark), way === "bounced", "plaintext on the wires");
    assert.equal(guest.events, []);
  });

  test(`${generation}, ${way}: a network loop brings frames back`, () => {
    const platform = machine((dma) => new LoopNic(dma), generation);
    const guest = guestOf(platform, way);
    const { registers, map, rings } = guest;
    const { io } = guest.kernel;
    const driver = new NicDriver({ registers, map, transmit: rings[0]!, receive: rings[1]! });
    assert.is(guest.run(driver.open(io)), true);
    const [out, into] = [guest.buffer(), guest.buffer()];
    guest.write(into, new Uint8Array(0x1000));
    for (let n = 1; n < 40; n++) {
      const frame = pattern(n * 37, n);
      guest.write(out, frame);
      assert.is(guest.run(driver.exchange(io, out, frame.length, into, 0x1000)), frame.length);
      assert.is(hex(guest.read(into, frame.length)), hex(frame));
    }
    guest.write(out, pattern(600, 1));
    assert.is(guest.run(driver.exchange(io, out, 600, into, 100)), 100, "cut to the room there is");
  });

  test(`${generation}, ${way}: an accelerator hashes a guest's buffer, as OpenSSL does`, () => {
    const platform = machine((dma) => new HashAccelerator(dma), generation);
    const guest = guestOf(platform, way);
    const { registers, map, rings } = guest;
    const driver = new AcceleratorDriver({ registers, map, list: rings[0]! });
    const buffer = guest.buffer();
    for (const bytes of [1, 127, 0x1000, 0x3123]) {
      const data = pattern(bytes, bytes);
      guest.write(buffer + 5n, data);
      const digest = guest.run(driver.digest(guest.kernel.io, buffer + 5n, bytes));
      assert.is(hex(digest!), createHash("sha384").update(data).digest("hex"));
    }
  });
}

test("what fails behind a disk is a media error to the guest, and the disk goes on", () => {
  let broken = true;
  const fails = () => {
    if (broken) throw new Error("a head crash");
  };
  const platform = machine((dma) => new Disk(dma, { bytes: 4096, read: fails, write: fails }));
  const guest = guestOf(platform, "direct");
  const { registers, rings: pages, map } = guest;
  const { io } = guest.kernel;
  const driver = new NvmeDriver({ registers, pages, map });
  guest.run(driver.open(io));
  const buffer = guest.buffer();
  guest.write(buffer, new Uint8Array(512));
  assert.is(guest.run(driver.read(io, 0n, buffer, 512)), Nvme.UNRECOVERED_READ_ERROR);
  assert.is(guest.run(driver.write(io, 0n, buffer, 512)), Nvme.WRITE_FAULT);
  broken = false;
  assert.is(guest.run(driver.write(io, 0n, buffer, 512)), Nvme.SUCCESS);
});

test("interfaces of one device serve guests side by side, and each finds its own data", () => {
  const disks: Uint8Array[] = [];
  const platform = machine((dma) => {
    const octets = new Uint8Array(0x4000);
    disks.push(octets);
    return new Disk(dma, memoryBlocks(octets));
  });
  const trusted = new Trusted(platform);
  const guests = [0x101, 0x102, 0x103].map((rid) => {
    const guest = new IoGuest(platform, rid, trusted);
    const driver = new NvmeDriver({
      registers: guest.registers,
      pages: guest.rings,
      map: guest.map,
    });
    assert.is(guest.run(driver.open(guest.kernel.io)), true);
    return { guest, driver, buffer: guest.buffer() };
  });
  guests.forEach(({ guest, driver, buffer }, n) => {
    guest.write(buffer, pattern(0x1000, n));
    assert.is(guest.run(driver.write(guest.kernel.io, 1n, buffer, 0x1000)), Nvme.SUCCESS);
  });
  guests.forEach(({ guest, driver, buffer }, n) => {
    assert.is(hex(disks[n + 1]!.subarray(512, 0x1200)), hex(pattern(0x1000, n)));
    guest.write(buffer, new Uint8Array(0x1000));
    assert.is(guest.run(driver.read(guest.kernel.io, 1n, buffer, 0x1000)), Nvme.SUCCESS);
    assert.is(hex(guest.read(buffer, 0x1000)), hex(pattern(0x1000, n)));
  });
});

test("a direct transfer copies nothing and needs no shared memory; a bounced one copies every byte once each way", () => {
  for (const way of ["direct", "bounced"] as const) {
    const platform = machine((dma) => new Disk(dma, memoryBlocks(new Uint8Array(0x8000))));
    const guest = guestOf(platform, way);
    const { io } = guest.kernel;
    const driver = new NvmeDriver({
      registers: guest.registers,
      pages: guest.rings,
      map: guest.map,
    });
    guest.run(driver.open(io));
    const buffer = guest.buffer();
    guest.write(buffer, pattern(0x2000, 1));
    const before = guest.copied;
    guest.run(driver.write(io, 0n, buffer, 0x2000));
    guest.run(driver.read(io, 0n, buffer, 0x2000));
    assert.is(guest.copied - before, way === "direct" ? 0 : 0x4000);
  }
});

test("a disk whose requests are not answered fails its controller, and the driver is told nothing happened", () => {
  const platform = machine((dma) => new Disk(dma, memoryBlocks(new Uint8Array(0x8000))));
  const guest = guestOf(platform, "direct");
  const { io } = guest.kernel;
  const driver = new NvmeDriver({ registers: guest.registers, pages: guest.rings, map: guest.map });
  guest.run(driver.open(io));
  const buffer = guest.buffer();
  guest.write(buffer, pattern(512, 1));
  platform.core.firmware.clearSecure(0x100);
  assert.is(guest.run(driver.write(io, 0n, buffer, 512)), "no answer");
  const octets = pattern(512, 1);
  assert.is(hex(guest.read(buffer, 512)), hex(octets));
});
