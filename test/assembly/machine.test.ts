// Start-up: what linear memory holds before anything was decided, and which machines cannot be.

import { silicon } from "../../dist/core/silicon.js";
import { createPlatform } from "../../dist/index.js";
import * as Memory from "../../ts/abi/memory.ts";
import { coreModule, MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("start-up");

test("before start-up memory is zero, but for the compiler's own data in its own place", () => {
  const { bytes } = silicon(64 * MIB, coreModule);
  const { STATIC, AES } = Memory;
  assert.ok(bytes.subarray(0, STATIC).every((byte) => byte === 0));
  assert.ok(bytes.subarray(AES, Memory.SIZE).every((byte) => byte === 0));
  assert.ok(
    bytes.subarray(STATIC, AES).some((byte) => byte !== 0),
    "the kernels' tables",
  );
});

test("sizes that cannot be are refused by name", () => {
  const make = (options: object) => () => createPlatform({ ...options, ...withCore });
  assert.throws(make({ resident: 63 * MIB }), /resident/);
  assert.throws(make({ resident: 2 ** 33 }), /resident/);
  assert.throws(make({ dram: 0n }), /dram/);
  assert.throws(make({ dram: 0x30_1000n }), /dram: .*multiple of 2 MiB/);
  assert.throws(make({ dram: 1n << 44n }), /dram/);
  assert.throws(make({ chip: "rome", generation: "sev-snp" }), /has no SEV-SNP/);
});
