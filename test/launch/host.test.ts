// A host against the field guide's minima.
import { missesOf, missLine, partOf, requireHost } from "../../ts/launch/host.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a host");

const good = {
  part: "EPYC 9654 (Genoa)",
  microcode: "1.61.02",
  firmware: "1.55",
  kernel: "6.11.0-21-generic",
  qemu: "8.2.2",
  libvirt: "9.0.0",
  ovmf: "edk2-stable202405",
};
const lines = (change: object, generation?: "sev-snp" | "sev-tio") =>
  missesOf({ ...good, ...change }, generation).map(missLine);

test("that meets the guide's minima misses none", () => {
  assert.equal(lines({}), []);
  const turin = { part: "EPYC 9755", microcode: "1.07.10", qemu: "9.0", libvirt: "11.0" };
  assert.equal(lines(turin), []);
  assert.equal(lines({ ...turin, kernel: "6.19" }, "sev-tio"), []);
  assert.equal(missesOf({}), []);
});

// What the host says, and the one line it earns.
const misses: [object, string][] = [
  [{ kernel: "6.10.3" }, "kernel: seen 6.10.3, needed 6.11 or newer (field guide)"],
  [{ qemu: "8.1.9" }, "qemu: seen 8.1.9, needed 8.2 or newer (field guide)"],
  [{ libvirt: "8.10.0" }, "libvirt: seen 8.10.0, needed 9.0 or newer (field guide)"],
  [
    { ovmf: "2024.02" },
    "ovmf: seen 2024.02, needed 2024.05 or newer (field guide, the AmdSev build)",
  ],
  [
    { ovmf: "edk2-stable202311" },
    "ovmf: seen edk2-stable202311, needed 2024.05 or newer (field guide, the AmdSev build)",
  ],
  [
    { microcode: "1.61.01" },
    "microcode: seen 1.61.01, needed 1.61.02 or newer (field guide, Genoa)",
  ],
  [{ firmware: "1.50" }, "firmware: seen 1.50, needed 1.51 or newer (Linux, for SEV-SNP)"],
  [{ part: "EPYC 7742" }, "part: seen EPYC 7742, needed Milan or newer (SEV-SNP came with Milan)"],
];

test("that is too old misses one line for each thing, seen and needed", () => {
  for (const [change, line] of misses) assert.equal(lines(change), [line]);
  const turin = { part: "turin", microcode: "1.07.01" };
  assert.equal(lines(turin), [
    "qemu: seen 8.2.2, needed 9.0 or newer (field guide, Turin)",
    "libvirt: seen 9.0.0, needed 11.0 or newer (field guide, Turin)",
    "microcode: seen 1.07.01, needed 1.07.02 or newer (field guide, Turin)",
  ]);
});

test("has SEV-TIO only as a Turin with kernel 6.19", () => {
  assert.equal(lines({}, "sev-tio"), [
    "part: seen EPYC 9654 (Genoa), needed Turin or newer (field guide, SEV-TIO)",
    "kernel: seen 6.11.0-21-generic, needed 6.19 or newer (field guide, SEV-TIO phase 1)",
  ]);
});

test("is named by part, series or model number", () => {
  const names: [string, string][] = [
    ["naples", "EPYC 7601"],
    ["rome", "EPYC 7002"],
    ["milan", "AMD EPYC 7763"],
    ["milan", "EPYC 7B13"],
    ["genoa", "EPYC 9004"],
    ["genoa", "Bergamo"],
    ["turin", "EPYC 9965"],
  ];
  for (const [part, name] of names) assert.is(partOf(name), part, name);
  assert.throws(() => partOf("Xeon"), /"Xeon", expected one of naples/);
  assert.throws(() => partOf("Milan or Genoa"), /Milan or Genoa/);
});

test("described otherwise than by strings under known keys is refused", () => {
  assert.throws(() => requireHost([]), /expected a JSON object/);
  assert.throws(() => requireHost(null), /expected a JSON object/);
  assert.throws(() => requireHost({ cpu: "x" }), /unknown key "cpu"/);
  assert.throws(() => requireHost({ qemu: 9 }), /qemu: expected a string/);
  assert.throws(() => missesOf({ qemu: "new" }), /qemu: "new", expected a version/);
});
