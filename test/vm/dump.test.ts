// platform.dump(): what a BMC or a cold boot finds on the DIMMs. Ciphertext, but for what a guest shares: its frame buffer.
import { type Generation, generations } from "../../dist/chip/chip.js";
import { type BootLayout, boot, createPlatform, prng, share } from "../../dist/index.js";
import * as Code from "../../ts/abi/exit.ts";
import { MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { type Rig, rig, runTo } from "./rig.ts";

const test = suite("a dump of the DIMMs");

const LAYOUT: BootLayout = { memory: 0x200000n, tables: 0x10000n, ghcb: 0x20000n };
const SECRET = 0x80000n;
const SCREEN = 0x90000n;
const RUN = 8;
const MEMORY = 0x400000n;

const secret = prng(5n, "secret").bytes(64);
const registers = prng(5n, "registers").bytes(64);
const text = new TextEncoder().encode("cloister login: root, and a password that is shown");

/** A guest with a secret in memory, one in registers, and a screen that it draws on. */
function drawn(generation: Generation): Rig {
  const made = rig(generation, function* (cpu) {
    const guest = yield* boot(cpu, LAYOUT);
    yield* cpu.write(SECRET, secret);
    yield* share(cpu, guest, SCREEN, 2n);
    yield* cpu.write(SCREEN + 0xff0n, text);
    const words = new BigUint64Array(registers.buffer, registers.byteOffset, 8);
    for (const [i, name] of NAMES.entries()) cpu.registers[name] = words[i] as bigint;
    yield* cpu.hlt();
  });
  runTo(made, Code.VMEXIT_HLT);
  return made;
}
const NAMES = ["rbx", "rbp", "r8", "r9", "r10", "r11", "r12", "r13"] as const;

/** Whether any 8 bytes in a row of `bytes` stand in what was dumped. */
function shows(dump: Buffer, bytes: Uint8Array): boolean {
  for (let at = 0; at + RUN <= bytes.length; at++)
    if (dump.includes(Buffer.from(bytes.subarray(at, at + RUN)))) return true;
  return false;
}

test("no 8 bytes of a guest's secret stand in it once memory is encrypted; the shared screen does", () => {
  for (const generation of generations) {
    const made = drawn(generation);
    const pages = [...made.platform.dump()];
    const dump = Buffer.concat(pages.map(({ bytes }) => bytes));
    assert.is(shows(dump, secret), generation === "none", `${generation}: memory`);
    // Without SEV-ES registers lie in the VMCB, which SME encrypts, or in the core; RBX and its like in no memory.
    assert.is(shows(dump, registers), false, `${generation}: registers`);
    // SME encrypts guests and host alike, the screen too.
    assert.is(shows(dump, text), generation !== "sme", `${generation}: screen`);
    if (generation === "sme") continue;
    const spa = made.vm.spaOf(SCREEN) as bigint;
    const page = pages.find((one) => one.spa === spa);
    assert.equal(page?.bytes.subarray(0xff0), text.subarray(0, 0x10), generation);
  }
});

test("it has every page that holds something, in order, and changes nothing", () => {
  const made = drawn("sev-snp");
  const { platform, vm } = made;
  const before = platform.core.framesInUse();
  const pages = [...platform.dump()];
  assert.is(platform.core.framesInUse(), before);
  for (let i = 1; i < pages.length; i++) assert.ok(pages[i]!.spa > pages[i - 1]!.spa);
  for (const gpa of [SECRET, SCREEN, LAYOUT.ghcb, LAYOUT.tables]) {
    const spa = vm.spaOf(gpa);
    assert.ok(pages.some((one) => one.spa === spa));
  }
  // The RMP is memory too.
  const { rmp } = platform;
  assert.ok(pages.some(({ spa }) => spa >= rmp!.reserved));
  assert.equal([...platform.dump()], pages);
  // What the dump had of a page that is dirty in the caches is what a write-back leaves.
  platform.core.host.wbinvd();
  assert.equal([...platform.dump()], pages);
});

test("a page that was never written is not in it", () => {
  const platform = createPlatform({ generation: "none", resident: 64 * MIB, ...withCore });
  const { host } = platform.core;
  const spas = () => [...platform.dump()].map(({ spa }) => spa);
  const empty = spas();
  const far = (1n << 35n) + MEMORY;
  host.read(far, new Uint8Array(64));
  assert.equal(spas(), empty);
  host.write(far + 0xfffn, Uint8Array.of(1));
  host.write((64n << 30n) - 1n, Uint8Array.of(2));
  assert.equal(spas(), [...empty, far, (64n << 30n) - 0x1000n]);
});
