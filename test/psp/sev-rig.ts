// What the tests of SEV guests share: a machine for them, its certificates, and a launch's commands.
import * as LaunchMeasure from "../../ts/abi/psp/launch-measure.ts";
import * as LaunchUpdate from "../../ts/abi/psp/launch-update.ts";
import * as PdhExport from "../../ts/abi/psp/pdh-cert-export.ts";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import * as Status from "../../ts/abi/status.ts";
import { assert } from "../kit.ts";
import { Rig } from "./rig.ts";

export const PAGE = 0x1000;

export const sevRig = (seed = 1n) => new Rig({ generation: "sev-es", seed });

/** PDH and chain, as the platform exports them. */
export function certificatesOf(rig: Rig) {
  const [pdh, chain] = [rig.page(), room(rig, 3 * Certificate.SIZE)];
  rig.expect(Status.SUCCESS, "PDH_CERT_EXPORT", PdhExport, {
    PDH_CERT_PADDR: pdh,
    PDH_CERT_LENGTH: Certificate.SIZE,
    CERTS_PADDR: chain,
    CERTS_LENGTH: 3 * Certificate.SIZE,
  });
  const all = rig.read(chain, 3 * Certificate.SIZE);
  const part = (i: number) => all.slice(i * Certificate.SIZE, (i + 1) * Certificate.SIZE);
  return { pdh: rig.read(pdh, Certificate.SIZE), pek: part(0), oca: part(1), cek: part(2), all };
}

/** Bytes at a place that may be longer than a page. */
export function placed(rig: Rig, bytes: Uint8Array): bigint {
  const spa = room(rig, bytes.length);
  assert.ok(rig.host.write(spa, bytes));
  return spa;
}

/** Pages that follow one another. */
function room(rig: Rig, bytes: number): bigint {
  const spa = rig.page();
  for (let at = PAGE; at < bytes; at += PAGE) rig.page();
  return spa;
}

export const update = (
  rig: Rig,
  HANDLE: number,
  bytes: Uint8Array,
  status: number = Status.SUCCESS,
) => {
  const PADDR = rig.filled(bytes);
  rig.expect(status, "LAUNCH_UPDATE_DATA", LaunchUpdate, { HANDLE, PADDR, LENGTH: bytes.length });
  return PADDR;
};

export const measure = (rig: Rig, HANDLE: number) => {
  const MEASURE_PADDR = rig.page();
  const values = { HANDLE, MEASURE_PADDR, MEASURE_LENGTH: 48 };
  rig.expect(Status.SUCCESS, "LAUNCH_MEASURE", LaunchMeasure, values);
  const bytes = rig.read(MEASURE_PADDR, 48);
  return { mac: bytes.slice(0, 32), nonce: bytes.slice(32) };
};
