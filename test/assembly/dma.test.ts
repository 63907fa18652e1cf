// A device's accesses: blocked, shared, and bound to a guest as a TDI. Spec digest rmp.md 5 and 7.
import * as Code from "../../ts/abi/exit.ts";
import type { Via } from "../../ts/port.ts";
import { hex, LARGE, OPEN, PAGE, pattern, rmpLow } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { FULL, Lab, VIA } from "../lab.ts";

const test = suite("DMA");

const DEVICE = 9;
const GPA = 0x20_0000n;

function board(generation: "none" | "sme" | "sev" | "sev-snp" | "sev-tio", via?: Via) {
  const lab = new Lab({ generation });
  const spa = lab.back(GPA);
  const open = lab.small();
  lab.nest(GPA + PAGE, open);
  const refused = (code: number, gpa: bigint) => {
    const exit = lab.core.device.exit();
    assert.equal(
      [exit.kind, exit.code, exit.info1, exit.info2],
      [Code.DEVICE_FAULT, BigInt(code), BigInt(DEVICE), gpa],
    );
    return false;
  };
  const read = (gpa: bigint, code: number, length = 32) => {
    const into = new Uint8Array(length);
    return lab.core.device.read(DEVICE, gpa, into, via) ? into : refused(code, gpa);
  };
  const write = (gpa: bigint, code: number, from = pattern(32, 5)) =>
    lab.core.device.write(DEVICE, gpa, from, via) || refused(code, gpa);
  return { lab, spa, open, read, write };
}

test("a device that nobody attached reaches nothing", () => {
  for (const generation of ["none", "sev", "sev-snp"] as const) {
    const { read, write } = board(generation);
    assert.is(read(GPA, Code.IO_PAGE_FAULT), false);
    assert.is(write(GPA, Code.IO_PAGE_FAULT), false);
  }
});

test("a shared device reads the ciphertext of private pages, and under SNP cannot write them", () => {
  for (const generation of ["sev", "sev-snp", "sev-tio"] as const) {
    const { lab, spa, open, read, write } = board(generation);
    const plain = pattern(4096, 1);
    lab.core.firmware.write(spa, lab.asid, plain);
    assert.ok(lab.core.host.attach(DEVICE, lab.root));
    const seen = read(GPA, 0, 4096) as Uint8Array;
    assert.is(hex(seen), hex(lab.dram(spa, 4096)));
    assert.is.not(hex(seen), hex(plain));
    const cipher = hex(lab.dram(spa, 4096));
    assert.is(write(GPA, Code.RMP_PAGE_FAULT), generation === "sev");
    assert.is(hex(lab.dram(spa, 4096)) === cipher, generation !== "sev");
    assert.ok(write(GPA + PAGE, 0), "a shared page takes it");
    assert.is(hex(lab.dram(open, 32)), hex(pattern(32, 5)));
  }
});

test("without encryption, or with the host's, a device reads what the guest wrote", () => {
  for (const generation of ["none", "sme"] as const) {
    const { lab, read, write } = board(generation);
    lab.core.host.attach(DEVICE, lab.root);
    lab.load({ paging: false });
    assert.is(lab.write(GPA + 100n, pattern(64, 2)), true);
    assert.is(hex(read(GPA + 100n, 0, 64) as Uint8Array), hex(pattern(64, 2)));
    write(GPA + 200n, 0);
    assert.is(hex(lab.read(GPA + 200n, 32) as Uint8Array), hex(pattern(32, 5)));
  }
});

test("a device obeys the nested tables: unmapped and read-only pages are refused, both halves of a crossing served", () => {
  const { lab, spa, open, read, write } = board("none");
  lab.core.host.attach(DEVICE, lab.root);
  const data = pattern(64, 3);
  assert.ok(write(GPA + PAGE - 20n, 0, data));
  assert.is(hex(lab.dram(spa + PAGE - 20n, 20)) + hex(lab.dram(open, 44)), hex(data));
  assert.is(hex(read(GPA + PAGE - 20n, 0, 64) as Uint8Array), hex(data));
  assert.is(read(GPA + 2n * PAGE, Code.IO_PAGE_FAULT), false);
  lab.nest(GPA, spa, OPEN & ~2n);
  assert.is(write(GPA, Code.IO_PAGE_FAULT), false);
  assert.ok(read(GPA, 0));
  assert.is(lab.core.events().BYTES_DMA, 64n + 64n + 32n);
});

// what is wrong with the page's RMP entry, for a device bound to ASID 1 at VMPL 1
const entries: [string, Parameters<typeof rmpLow>[0], bigint, boolean, boolean][] = [
  [
    "its own guest's, validated",
    { assigned: true, asid: 1, gpa: GPA, validated: true },
    FULL << 8n,
    true,
    true,
  ],
  [
    "read-only at its VMPL",
    { assigned: true, asid: 1, gpa: GPA, validated: true },
    1n << 8n,
    true,
    false,
  ],
  [
    "nothing at its VMPL",
    { assigned: true, asid: 1, gpa: GPA, validated: true },
    FULL,
    false,
    false,
  ],
  ["not validated", { assigned: true, asid: 1, gpa: GPA }, FULL << 8n, false, false],
  [
    "another guest's",
    { assigned: true, asid: 2, gpa: GPA, validated: true },
    FULL << 8n,
    false,
    false,
  ],
  [
    "at another GPA",
    { assigned: true, asid: 1, gpa: GPA + LARGE, validated: true },
    FULL << 8n,
    false,
    false,
  ],
  [
    "immutable",
    { assigned: true, asid: 1, gpa: GPA, validated: true, immutable: true },
    FULL << 8n,
    false,
    false,
  ],
  ["the hypervisor's", {}, 0n, false, false],
];

test("requests with the T bit reach only their own guest's validated pages, at their own VMPL", () => {
  const { lab, spa, read, write } = board("sev-tio", VIA);
  const { firmware } = lab.core;
  lab.trust(DEVICE, { vmpl: 1 });
  for (const [name, fields, high, reads, writes] of entries) {
    firmware.setRmp(spa, rmpLow(fields), high);
    const code = Code.RMP_PAGE_FAULT;
    assert.is(read(GPA, code) !== false, reads, name);
    firmware.clearFence(DEVICE, 1);
    assert.is(write(GPA, code), writes, name);
    firmware.clearFence(DEVICE, 1);
  }
  lab.own(spa, GPA);
  firmware.write(spa, 1, pattern(4096, 4));
  assert.is(
    hex(read(GPA, 0, 4096) as Uint8Array),
    hex(pattern(4096, 4)),
    "plaintext, not ciphertext",
  );
});

test("a device has two entries: without the T bit the host's counts, and the guest's pages stay closed", () => {
  const { lab, open, spa } = board("sev-tio");
  const { device, firmware } = lab.core;
  lab.trust(DEVICE);
  firmware.write(spa, 1, pattern(4096, 4));
  const into = new Uint8Array(32);
  assert.ok(device.read(DEVICE, GPA, into));
  assert.is(hex(into), hex(lab.dram(spa, 32)), "ciphertext");
  assert.not.ok(device.write(DEVICE, GPA, into));
  assert.is(device.exit().code, BigInt(Code.RMP_PAGE_FAULT));
  assert.ok(device.write(DEVICE, GPA + PAGE, pattern(32, 5)), "a shared page takes it");
  assert.is(hex(lab.dram(open, 32)), hex(pattern(32, 5)));
  assert.is(
    firmware.fence(DEVICE, 1).dma,
    "none",
    "no fence for what did not claim to be the guest's",
  );
});

test("the host may point a bound device at other tables: the RMP keeps the guest's pages, and opens no others", () => {
  const { lab, read, write } = board("sev-tio", VIA);
  const { firmware, host } = lab.core;
  lab.trust(DEVICE);
  const stranger = lab.small();
  lab.nest(GPA, stranger);
  assert.is(write(GPA, Code.RMP_PAGE_FAULT), false);
  assert.ok(lab.dram(stranger, 32).every((byte) => byte === 0));
  assert.equal(firmware.fence(DEVICE, 1), { dma: "error", mmio: false });
  // Even with the right tables back, the device is fenced until the firmware lets it go.
  lab.nest(GPA, lab.back(GPA + 4n * PAGE));
  assert.is(read(GPA + 4n * PAGE, Code.IO_PAGE_FAULT), false);
  firmware.clearFence(DEVICE, 1);
  assert.ok(read(GPA + 4n * PAGE, 0));
  assert.ok(host.attach(DEVICE, lab.root));
});

// what of the secure entry differs, and whether the device still reads and writes
// biome-ignore format: a table
const secure: [string, Parameters<Lab["trust"]>[1], number, boolean, boolean][] = [
  ["as it is",              {},                                         Code.IO_PAGE_FAULT,           true,  true],
  ["no IR",                 { read: false },                            Code.IO_PAGE_FAULT,           false, true],
  ["no IW",                 { write: false },                           Code.IO_PAGE_FAULT,           true,  false],
  ["another stream",        { streamIds: new Uint8Array(8).fill(7) },   Code.ILLEGAL_DEV_TABLE_ENTRY, false, false],
  ["another root port",     { rootPortId: 2 },                          Code.ILLEGAL_DEV_TABLE_ENTRY, false, false],
  ["an ASID without a key", { asid: 3 },                                Code.IO_PAGE_FAULT,           false, false],
];

test("the secure entry says which requests are admitted, and how they must come", () => {
  for (const [name, change, code, reads, writes] of secure) {
    const { lab, read, write } = board("sev-tio", VIA);
    lab.trust(DEVICE, change);
    assert.is(read(GPA, code) !== false, reads, name);
    assert.is(write(GPA, code), writes, name);
  }
});

test("from vTOM on a request with the T bit is for shared memory", () => {
  const { lab, spa, open, read, write } = board("sev-tio", VIA);
  lab.trust(DEVICE, { vTom: GPA + PAGE });
  lab.core.firmware.write(spa, 1, pattern(4096, 6));
  assert.is(hex(read(GPA, 0) as Uint8Array), hex(pattern(4096, 6).subarray(0, 32)));
  assert.ok(write(GPA + PAGE, 0));
  assert.is(hex(lab.dram(open, 32)), hex(pattern(32, 5)));
  lab.trust(DEVICE, { vTom: GPA });
  assert.is(hex(read(GPA, 0) as Uint8Array), hex(lab.dram(spa, 32)), "ciphertext");
  assert.is(write(GPA, Code.RMP_PAGE_FAULT), false);
});

test("an entry cleared ends all requests with the T bit, and fences the device from the ASID it had", () => {
  const { lab, read } = board("sev-tio", VIA);
  const { firmware } = lab.core;
  lab.trust(DEVICE);
  assert.ok(read(GPA, 0));
  firmware.clearSecure(DEVICE);
  assert.is(read(GPA, Code.ILLEGAL_DEV_TABLE_ENTRY), false);
  assert.equal(firmware.fence(DEVICE, 1), { dma: "default", mmio: true });
  assert.equal(firmware.fence(DEVICE, 2), { dma: "none", mmio: false });
  firmware.clearFence(DEVICE, 1);
  assert.is(firmware.secureVia(DEVICE, 1), undefined, "no fence and no entry either");
  lab.trust(DEVICE);
  firmware.clearSecure(DEVICE);
  lab.trust(DEVICE);
  assert.is(read(GPA, Code.IO_PAGE_FAULT), false, "still fenced");
  assert.is(firmware.secureVia(DEVICE, 1), undefined);
  firmware.clearFence(DEVICE, 1);
  assert.ok(read(GPA, 0));
  assert.equal(firmware.secureVia(DEVICE, 1), VIA);
  assert.is(firmware.secureVia(DEVICE, 2), undefined, "to another guest it is not there");
});

test("a device bound to an ASID whose key is gone is refused", () => {
  const { lab, read, write } = board("sev-tio", VIA);
  lab.trust(DEVICE);
  assert.ok(read(GPA, 0));
  lab.core.firmware.removeKey(1);
  assert.is(read(GPA, Code.IO_PAGE_FAULT), false);
  assert.is(write(GPA, Code.IO_PAGE_FAULT), false);
});

test("a Requester ID that the bus cannot carry is no device, and 255 devices are the most at once", () => {
  const { lab } = board("sev-tio");
  lab.trust(1);
  for (const device of [65536, -1, 1.5]) {
    assert.throws(() => lab.core.device.read(device, GPA, new Uint8Array(8)), /device/);
    assert.throws(() => lab.core.host.attach(device, lab.root), /device/);
  }
  for (let rid = 0x100; rid < 0x100 + 254; rid++) assert.ok(lab.core.host.attach(rid, lab.root));
  assert.not.ok(lab.core.host.attach(0xffff, lab.root));
  assert.throws(() => lab.trust(0xffff), /all are taken/);
  assert.ok(lab.core.host.attach(1, lab.root), "whoever has a row keeps it");
});
