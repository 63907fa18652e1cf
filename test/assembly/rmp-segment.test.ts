// Where the segments of an RMP end. Spec digest rmp.md 1.

import { silicon, startMachine } from "../../dist/core/silicon.js";
import { ports } from "../../dist/core.js";
import { createPlatform } from "../../dist/index.js";
import * as Memory from "../../ts/abi/memory.ts";
import type { RmpState } from "../../ts/port.ts";
import { Chance, coreModule, MIB, rmpLow, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("segments of the RMP");

const GIB = 1n << 30n;
const mine: RmpState = { gpa: 0n, assigned: true, pageSize: "4k", immutable: false, asid: 3 };

test("a segment speaks for no page beyond memory", () => {
  const options = { dram: 0x9000_0000n, rmp: { segments: [64] } };
  const platform = createPlatform({ resident: 64 * MIB, ...options, ...withCore });
  const { host, firmware } = platform.core;
  for (const beyond of [0x9000_0000n, 0xa000_0000n, 63n * GIB]) {
    assert.is(host.rmpupdate(beyond, mine), 1);
    assert.is(host.rmpupdate(beyond, { ...mine, pageSize: "2m" }), 1);
    assert.is(host.psmash(beyond), 1);
    assert.equal(host.rmpread(beyond), { eax: 1 });
    assert.not(firmware.setRmp(beyond, 1n, 0n));
    assert.equal(firmware.rmp(beyond), { low: 0n, high: 0n });
  }
});

/** A machine whose BIOS put segments of 1 GiB where ours would not: the first says 9 GiB, the second is absent, and the third's
 *  part follows the first's. Behind the table lies what looks like a fourth. */
function placed() {
  const made = silicon(64 * MIB, coreModule);
  const rst = [0xc000_0009n, 0n, 0xc040_0001n];
  const base = 0xc0c0_0000n;
  startMachine(made, {
    dram: 4n * GIB,
    resident: 64 * MIB,
    cipher: "xex",
    tweaks: new Chance(92n).bytes(1024),
    cBit: 51,
    addressBits: 52,
    snp: true,
    vmplFull: 0xf,
    cacheWarp: false,
    rmp: { base, end: 0n, cfg: (30n << 8n) | 1n, rst, coveredPages: 0, reserved: 0xc000_0000n },
  });
  made.view.setBigUint64(Memory.RST + 8 * rst.length, 0xc080_0001n, true);
  return ports(made, 51);
}

test("what a segment says beyond its end is clipped, and what follows the segment table is no segment", () => {
  const { host, firmware, dimm } = placed();
  assert.is(host.rmpupdate(GIB, mine), 1, "an absent segment");
  assert.is(host.rmpupdate(3n * GIB, mine), 1, "behind the table");
  for (const [spa, at] of [
    [0n, 0xc000_0000n],
    [2n * GIB, 0xc040_0000n],
  ] as const) {
    assert.ok(firmware.setRmp(spa, rmpLow({ assigned: true, asid: 3, validated: true }), 0xfn));
    assert.is(firmware.validatedOf(3), 1n);
    assert.ok(dimm.write(at, new Uint8Array(16)));
    assert.equal(firmware.rmp(spa), { low: 0n, high: 0n }, `0x${spa.toString(16)}`);
    assert.is(firmware.validatedOf(3), 0n, `0x${spa.toString(16)}`);
  }
});
