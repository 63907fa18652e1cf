// Evidence that a host altered at random: a guest refuses it by name, or it was altered where nothing is said.
import { type Attested, evidenceOf, verifyEvidence } from "../../dist/guest/tio/evidence.js";
import { tableOf } from "../../dist/hypervisor/tsm/evidence.js";
import { BadInput } from "../../dist/index.js";
import * as Certificates from "../../ts/abi/psp/tio-dev-certificates.ts";
import * as Measurements from "../../ts/abi/psp/tio-dev-measurements.ts";
import { Chance } from "../core.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";
import { TioRig } from "./rig.ts";

const test = suite("evidence of a device");

const GUIDS = ["078ccb75-2644-49e8-afe7-5686c5cf72f1", "5caa80c6-12ef-401a-b364-ec59a93abe3f"];

const said = ({ certificates, measurements }: Attested) => [
  certificates.map(({ tbs }) => tbs),
  measurements,
];

test("evidence altered at random is refused by name, and never believed", () => {
  const rig = new TioRig();
  const device = rig.connected();
  const nonce = new Uint8Array(32).fill(5);
  device.command("TIO_DEV_CERTIFICATES", Certificates);
  const certificates = device.output();
  device.command("TIO_DEV_MEASUREMENTS", Measurements, { MEAS_NONCE: nonce });
  const measurements = device.output();
  const table = tableOf([
    [GUIDS[0]!, certificates],
    [GUIDS[1]!, measurements],
  ]);
  const honest = said(verifyEvidence(evidenceOf(table), nonce, TOY));
  const chance = new Chance(11n);
  let refused = 0;
  const tries = 1_500;
  for (let i = 0; i < tries; i++) {
    const altered = table.slice(0, chance.once(10) ? chance.below(table.length) : table.length);
    const changes = 1 + chance.below(3);
    for (let n = 0; n < changes && altered.length > 0; n++)
      altered[chance.below(altered.length)]! ^= 1 << chance.below(8);
    try {
      const seen = said(verifyEvidence(evidenceOf(altered), nonce, TOY));
      // A signature has more than one way to be written down; what it is over has not.
      assert.equal(seen, honest, `${i}`);
    } catch (error) {
      assert.instance(error, BadInput, `${i}: ${error}`);
      refused++;
    }
  }
  assert.ok(refused > tries * 0.95, `${refused} of ${tries}`);
});
