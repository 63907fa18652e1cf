// Capability flags, and the combinations DSP0274 10.4 forbids a requester.
import * as Spdm from "../abi/spdm.ts";
import { bit, field } from "./octets.ts";

const flag = (position: number): number => 2 ** position;

/** What Cloister's responder can do: certificates, challenges, signed measurements, sessions, chunks. */
export const responderFlags: number =
  flag(Spdm.CERT_CAP_BIT) +
  flag(Spdm.CHAL_CAP_BIT) +
  flag(Spdm.MEAS_CAP_LSB + 1) +
  flag(Spdm.MEAS_FRESH_CAP_BIT) +
  flag(Spdm.ENCRYPT_CAP_BIT) +
  flag(Spdm.MAC_CAP_BIT) +
  flag(Spdm.KEY_EX_CAP_BIT) +
  flag(Spdm.HBEAT_CAP_BIT) +
  flag(Spdm.KEY_UPD_CAP_BIT) +
  flag(Spdm.CHUNK_CAP_BIT);

/** What Cloister's requester can do. */
export const requesterFlags: number =
  flag(Spdm.ENCRYPT_CAP_BIT) +
  flag(Spdm.MAC_CAP_BIT) +
  flag(Spdm.KEY_EX_CAP_BIT) +
  flag(Spdm.HBEAT_CAP_BIT) +
  flag(Spdm.KEY_UPD_CAP_BIT) +
  flag(Spdm.CHUNK_CAP_BIT);

export const has = (flags: number, position: number): boolean => bit(flags, position);
export const measurementCapability = (flags: number): number =>
  field(flags, Spdm.MEAS_CAP_LSB, Spdm.MEAS_CAP_WIDTH);

const psk = (flags: number): number => field(flags, Spdm.PSK_CAP_LSB, Spdm.PSK_CAP_WIDTH);
const cert = (flags: number): boolean => has(flags, Spdm.CERT_CAP_BIT);
const identity = (flags: number): boolean => cert(flags) || has(flags, Spdm.PUB_KEY_ID_CAP_BIT);
const sessions = (flags: number): boolean => has(flags, Spdm.KEY_EX_CAP_BIT) || psk(flags) > 0;
const protection = (flags: number): boolean =>
  has(flags, Spdm.ENCRYPT_CAP_BIT) || has(flags, Spdm.MAC_CAP_BIT);
const needsSession = [
  Spdm.ENCRYPT_CAP_BIT,
  Spdm.MAC_CAP_BIT,
  Spdm.HBEAT_CAP_BIT,
  Spdm.KEY_UPD_CAP_BIT,
  Spdm.HANDSHAKE_IN_THE_CLEAR_CAP_BIT,
];
const needsIdentity = [Spdm.CHAL_CAP_BIT, Spdm.MUT_AUTH_CAP_BIT];

/** Each row is a contradiction in a requester's flags. */
const contradictions: ((flags: number, version: number) => boolean)[] = [
  (flags) => psk(flags) > 1,
  (flags) => field(flags, Spdm.MULTI_KEY_CAP_LSB, Spdm.MULTI_KEY_CAP_WIDTH) === 3,
  (flags) => sessions(flags) && !protection(flags),
  (flags) => !sessions(flags) && needsSession.some((position) => has(flags, position)),
  (flags) => cert(flags) && has(flags, Spdm.PUB_KEY_ID_CAP_BIT),
  (flags) => cert(flags) && !has(flags, Spdm.CHAL_CAP_BIT) && !has(flags, Spdm.KEY_EX_CAP_BIT),
  (flags) => !identity(flags) && needsIdentity.some((position) => has(flags, position)),
  (flags, version) =>
    version === Spdm.VERSION_1_1 &&
    has(flags, Spdm.MUT_AUTH_CAP_BIT) &&
    !has(flags, Spdm.ENCAP_CAP_BIT),
];

export const contradict = (flags: number, version: number): boolean =>
  contradictions.some((row) => row(flags, version));
