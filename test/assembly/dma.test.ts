// A device's accesses: blocked, shared, and bound to a guest as a TDI. Spec digest rmp.md 5 and 7.
import * as Code from "../../ts/abi/exit.ts";
import { hex, LARGE, OPEN, PAGE, pattern, rmpLow } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { FULL, Lab } from "../lab.ts";

const test = suite("DMA");

const DEVICE = 9;
const GPA = 0x20_0000n;

function board(generation: "none" | "sme" | "sev" | "sev-snp" | "sev-tio") {
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
    return lab.core.device.read(DEVICE, gpa, into) ? into : refused(code, gpa);
  };
  const write = (gpa: bigint, code: number, from = pattern(32, 5)) =>
    lab.core.device.write(DEVICE, gpa, from) || refused(code, gpa);
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

test("a trusted device reaches only its own guest's validated pages, at its own VMPL", () => {
  const { lab, spa, read, write } = board("sev-tio");
  lab.core.firmware.bind(DEVICE, lab.root, 1, 1);
  for (const [name, fields, high, reads, writes] of entries) {
    lab.core.firmware.setRmp(spa, rmpLow(fields), high);
    const code = Code.RMP_PAGE_FAULT;
    assert.is(read(GPA, code) !== false, reads, name);
    assert.is(write(GPA, code), writes, name);
  }
  lab.own(spa, GPA);
  lab.core.firmware.write(spa, 1, pattern(4096, 4));
  assert.is(
    hex(read(GPA, 0, 4096) as Uint8Array),
    hex(pattern(4096, 4)),
    "plaintext, not ciphertext",
  );
});

test("a bound device is out of the hypervisor's hands until the firmware lets it go, and then blocked", () => {
  const { lab, read } = board("sev-tio");
  const { firmware, host } = lab.core;
  firmware.bind(DEVICE, lab.root, 1, 0);
  assert.not.ok(host.attach(DEVICE, lab.root));
  assert.ok(read(GPA, 0));
  firmware.unbind(DEVICE);
  assert.is(read(GPA, Code.IO_PAGE_FAULT), false);
  assert.ok(host.attach(DEVICE, lab.root));
});

test("a device bound to an ASID whose key is gone is refused", () => {
  const { lab, read, write } = board("sev-tio");
  lab.core.firmware.bind(DEVICE, lab.root, 1, 0);
  assert.ok(read(GPA, 0));
  lab.core.firmware.removeKey(1);
  assert.is(read(GPA, Code.IO_PAGE_FAULT), false);
  assert.is(write(GPA, Code.IO_PAGE_FAULT), false);
});

test("a device that the IOMMU has no entry for is no other device", () => {
  const { lab } = board("sev-tio");
  lab.core.firmware.bind(1, lab.root, 1, 0);
  for (const device of [257, 65536, -1]) {
    assert.throws(() => lab.core.device.read(device, GPA, new Uint8Array(8)), /device/);
    assert.throws(() => lab.core.host.attach(device, lab.root), /device/);
  }
});
