// cloister session: the platform whose PDH it is sealed to opens it, and the owner can then check what was launched.
import { createHmac } from "node:crypto";
import { sessionFor } from "../../dist/cli/session.js";
import { exportPdh } from "../../dist/hypervisor/pdh.js";
import { createPlatform } from "../../dist/index.js";
import { bufferOf } from "../../dist/layout.js";
import * as Command from "../../ts/abi/command.ts";
import * as LaunchMeasure from "../../ts/abi/psp/launch-measure.ts";
import * as LaunchStart from "../../ts/abi/psp/launch-start.ts";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import { MIB, withCore } from "../core.ts";
import { assert, rejects, suite } from "../kit.ts";

const test = suite("a session");
// NODBG and ES; the upper half is the lowest API version, 1.0.
const POLICY = 0x00010005;

function machine(seed: bigint) {
  const options = { chip: "milan", generation: "sev-es", seed, resident: 64 * MIB } as const;
  const { hypervisor, core } = createPlatform({ ...options, ...withCore });
  return { hypervisor, host: core.host, pdh: exportPdh(hypervisor) };
}

/** LAUNCH_START with a session; answers the status and the handle. */
function start(
  { hypervisor, host }: ReturnType<typeof machine>,
  godh: Uint8Array,
  session: Uint8Array,
  policy: number,
) {
  const { mailbox, pages } = hypervisor.parts;
  const [certificate, data] = [pages.small(), pages.small()];
  assert.ok(host.write(certificate, godh) && host.write(data, session));
  const values = {
    POLICY: policy,
    DH_CERT_PADDR: certificate,
    DH_CERT_LENGTH: godh.length,
    SESSION_PADDR: data,
    SESSION_LENGTH: session.length,
  };
  const { status, buffer } = mailbox.exchange(Command.LAUNCH_START, bufferOf(LaunchStart, values));
  const handle = new DataView(buffer.buffer, buffer.byteOffset).getUint32(LaunchStart.HANDLE, true);
  return { status, handle };
}

test("is opened by the platform it is sealed to, which then measures under the owner's key", async () => {
  const platform = machine(1n);
  const { tik, godh, session } = await sessionFor(platform.pdh, POLICY, "pdh");
  const { status, handle } = start(platform, godh, session, POLICY);
  assert.is(status, 0);
  const { mailbox, pages } = platform.hypervisor.parts;
  const page = pages.small();
  const values = { HANDLE: handle, MEASURE_PADDR: page, MEASURE_LENGTH: 48 };
  mailbox.must("LAUNCH_MEASURE", LaunchMeasure, values);
  const measured = new Uint8Array(48);
  platform.host.read(page, measured);
  // 0x04, API version and build, policy, the digest of nothing, the nonce.
  const digest = Buffer.from(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "hex",
  );
  const word = new Uint8Array(4);
  new DataView(word.buffer).setUint32(0, POLICY, true);
  const wanted = createHmac("sha256", tik)
    .update(Buffer.concat([Uint8Array.of(4, 1, 55, 29), word, digest, measured.slice(32)]))
    .digest("hex");
  assert.is(Buffer.from(measured.subarray(0, 32)).toString("hex"), wanted);
});

test("is refused by another platform, for another policy, and altered", async () => {
  const platform = machine(1n);
  const { godh, session } = await sessionFor(platform.pdh, POLICY, "pdh");
  assert.is(start(machine(2n), godh, session, POLICY).status, 0x0b);
  assert.is(start(platform, godh, session, POLICY ^ 1).status, 0x07);
  const altered = session.slice();
  altered[0x20] = altered[0x20]! ^ 1;
  assert.is(start(platform, godh, altered, POLICY).status, 0x0b);
  assert.is(start(platform, godh, session, POLICY).status, 0);
});

test("is the same twice for nobody, and is made for a PDH alone", async () => {
  const { pdh } = machine(1n);
  const [a, b] = [await sessionFor(pdh, POLICY, "pdh"), await sessionFor(pdh, POLICY, "pdh")];
  for (const field of ["tik", "tek", "godh", "session"] as const)
    assert.not.equal(a[field], b[field]);
  const pek = pdh.slice(Certificate.SIZE, 2 * Certificate.SIZE);
  await rejects(sessionFor(pek, POLICY, "file"), /file: no PDH/);
});
