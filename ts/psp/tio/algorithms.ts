// SPDM_ALGOS of DEV_STATUS and TDI_INFO: what firmware and device agreed on, a byte each. A draft: AMD's Linux series of 2025.
import type { Suite } from "../../spdm/suite.ts";

const dhes = ["P-256", "P-384"];
const aeads = ["AES-128-GCM", "AES-256-GCM"];
/** The first is RSASSA_3072, which Cloister does not have. */
const signers = ["RSASSA-3072", "P-256", "P-384"];
const hashes = ["SHA-256", "SHA-384"];
/** SPDM's own key schedule. */
const SPDM = 0;

/** DHE, AEAD, signature, hash, key schedule. */
export function algorithmsOf({ dhe, aead, signer, hash }: Suite): Uint8Array {
  const index = (names: string[], one: { name: string } | undefined) =>
    names.indexOf(one?.name ?? "");
  return Uint8Array.of(
    index(dhes, dhe),
    index(aeads, aead),
    index(signers, signer),
    index(hashes, hash),
    SPDM,
    0,
    0,
    0,
  );
}
