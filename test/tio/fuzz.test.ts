// A short run of the fuzz that CI runs in full: every seed's states are the twin's, and no key or nonce stands in memory.
import { assert, suite } from "../kit.ts";
import { fuzz } from "./fuzz.ts";

const test = suite("SEV-TIO's firmware before a hypervisor at random");

test("commands and messages at random lead where the twin's tables say, and show no key", () => {
  const tally = fuzz(1_500, 3, () => {});
  for (const status of ["SUCCESS", "SPDM_REQUEST", "INVALID_DEV_STATE", "INVALID_TDI_CTX"])
    assert.ok((tally.get(status) ?? 0) > 10, `${status} ${tally.get(status)}`);
});
