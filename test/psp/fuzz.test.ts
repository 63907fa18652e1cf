// A short run of the fuzzer; `npm run fuzz` has the long one.
import { assert, suite } from "../kit.ts";
import { fuzz } from "./fuzz.ts";
import { Rig } from "./rig.ts";
import { KeyScan } from "./scan.ts";

const test = suite("the secure processor before a hypervisor at random");

test("states are the twin's, nothing is thrown, and no key shows in memory", () => {
  for (const seed of [1, 2]) {
    const { tally } = fuzz(1_500, seed, () => {});
    assert.ok(tally.size > 12, `${tally.size} statuses were seen`);
    assert.ok((tally.get("SUCCESS") ?? 0) > 150, "and many commands succeeded");
  }
});

test("a key that did stand in memory would be found", () => {
  const rig = new Rig({ dram: 32n << 20n });
  const gctx = rig.start();
  const scan = new KeyScan(rig);
  scan.note();
  scan.check();
  const { vek } = rig.psp.contexts.open(gctx) as { vek: Uint8Array };
  const place = rig.page() + 0x77n;
  rig.host.write(place, vek.subarray(5, 13));
  assert.throws(() => scan.check(), new RegExp(`0x${place.toString(16)}`));
});
