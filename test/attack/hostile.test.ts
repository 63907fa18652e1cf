// The promise of SEV-SNP under a random hypervisor; `npm run hostile` does fifty times as much.
import { assert, suite } from "../kit.ts";
import { hostile } from "./hostile.ts";
import { findSecret, KeyWatch, secretOf } from "./secret.ts";

const test = suite("a hostile hypervisor");

const SEED = 20261125n;
console.log(`seed ${SEED}`);

test("a private page reads as last written or faults, and no secret or key shows, whatever the host does", () => {
  const tally = hostile(20_000, SEED);
  assert.is(tally.operations, 20_000);
  // What was tried must have come to pass, or it proves nothing.
  for (const name of ["reads", "faults", "lost", "refused", "runs", "killed", "scanned"] as const)
    assert.ok(tally[name] > 10, `${name}: ${tally[name]}`);
});

test("the watch sees eight bytes of a secret or a key, and nothing else", () => {
  const secret = secretOf(7, 64);
  const page = new Uint8Array(4096);
  assert.is(findSecret(page), -1);
  page.set(secret.subarray(5, 13), 100);
  assert.is(findSecret(page), 100);
  page.set(secret.subarray(5, 12), 100);
  page[107] = (page[107] as number) ^ 1;
  assert.is(findSecret(page), -1);
  const watch = new KeyWatch();
  const key = Uint8Array.from({ length: 16 }, (_, i) => i * 11 + 3);
  watch.add(key);
  assert.is(watch.find(page), -1);
  page.set(key.subarray(8), 4088);
  assert.is(watch.find(page), 4088);
});
