// Faults a device can be told to have, so that a requester's defences can be tried.
import * as Spdm from "../abi/spdm.ts";
import { Misuse } from "../error.ts";
import { type Refusal, refuse } from "../spdm/answer.ts";
import { le32 } from "../spdm/octets.ts";

/** Each fault by name, and what the device then does wrong. */
export const faults: Record<string, string> = {
  "bad-signature": "every signature has its last octet flipped",
  "wrong-measurement": "the first measurement is not the one the device was given",
  "stale-nonce": "LOCK_INTERFACE answers with the nonce of the lock before it",
  "dropped-message": "every fifth answer is lost",
  "reordered-message": "each answer from the fifth on is the one before it",
  "bad-record": "every secured message has its tag's last octet flipped",
  "tdi-error": "a TDI goes to ERROR right after it was locked",
};

/** ERROR codes a responder can be told to answer the first CHALLENGE or GET_MEASUREMENTS with. */
// biome-ignore format: a table
const errors: Record<string, Refusal> = {
  "invalid-request":        refuse(Spdm.INVALID_REQUEST),
  "busy":                   refuse(Spdm.BUSY),
  "unexpected-request":     refuse(Spdm.UNEXPECTED_REQUEST),
  "unspecified":            refuse(Spdm.UNSPECIFIED),
  "decrypt-error":          refuse(Spdm.DECRYPT_ERROR),
  "unsupported-request":    refuse(Spdm.UNSUPPORTED_REQUEST),
  "request-in-flight":      refuse(Spdm.REQUEST_IN_FLIGHT),
  "invalid-response-code":  refuse(Spdm.INVALID_RESPONSE_CODE),
  "session-limit-exceeded": refuse(Spdm.SESSION_LIMIT_EXCEEDED),
  "session-required":       refuse(Spdm.SESSION_REQUIRED),
  "reset-required":         refuse(Spdm.RESET_REQUIRED),
  "response-too-large":     refuse(Spdm.RESPONSE_TOO_LARGE, 0, le32(0x10000)),
  "request-too-large":      refuse(Spdm.REQUEST_TOO_LARGE),
  "message-lost":           refuse(Spdm.MESSAGE_LOST),
  "invalid-policy":         refuse(Spdm.INVALID_POLICY),
  "version-mismatch":       refuse(Spdm.VERSION_MISMATCH),
  "response-not-ready":     refuse(Spdm.RESPONSE_NOT_READY),
  "request-resynch":        refuse(Spdm.REQUEST_RESYNCH),
  "operation-failed":       refuse(Spdm.OPERATION_FAILED),
  "no-pending-requests":    refuse(Spdm.NO_PENDING_REQUESTS),
  "vendor-defined":         refuse(Spdm.VENDOR_DEFINED_ERROR),
};
for (const name of Object.keys(errors)) {
  faults[`error-${name}`] =
    `the first CHALLENGE or GET_MEASUREMENTS is answered with ERROR ${name}`;
}

export class Faults {
  readonly #names: Set<string>;
  #injected = false;

  constructor(names: string[] = []) {
    for (const name of names) {
      if (faults[name]) continue;
      throw new Misuse(`fault ${name}: unknown, expected one of ${Object.keys(faults).join(", ")}`);
    }
    this.#names = new Set(names);
  }

  has(name: keyof typeof faults): boolean {
    return this.#names.has(name);
  }

  /** The ERROR this request must get, once. */
  errorFor(code: number): Refusal | undefined {
    if (this.#injected || (code !== Spdm.CHALLENGE && code !== Spdm.GET_MEASUREMENTS)) return;
    const name = [...this.#names].find((each) => each.startsWith("error-"));
    if (!name) return;
    this.#injected = true;
    return errors[name.slice("error-".length)];
  }
}
