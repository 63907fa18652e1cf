// What a relying party holds: a report and certificates, from a table or from loose files. AMD 56860, 57230.
import * as Layout from "../abi/report.ts";
import { equal } from "./bytes.ts";
import { type Certificate, isPem, parseCertificates, pemBlocks } from "./certificate.ts";
import { Refusal } from "./code.ts";
import { isLegacy, type LegacyCertificate, parseLegacy } from "./legacy.ts";
import { roleOf } from "./profile.ts";
import { type Entry, splitExtended } from "./table.ts";

/** Each certificate in DER or PEM; what is absent may come from the roots. */
export interface Evidence {
  readonly report: Uint8Array;
  /** VCEK or VLEK. */
  readonly vek?: Uint8Array;
  /** ASK, or a VLEK's ASVK. */
  readonly ask?: Uint8Array;
  readonly ark?: Uint8Array;
  readonly crl?: Uint8Array;
}

/** Evidence from an extended report: 1,184 bytes, then the certificate table if there is one. */
export function evidenceOfExtended(bytes: Uint8Array): Evidence {
  const { report, table } = splitExtended(bytes);
  return { report, ...evidenceOfTable(table, namesVlek(report)) };
}

/** A host may hand out both certificates: the report says which of them it needs. */
const namesVlek = (report: Uint8Array): boolean =>
  (((report[Layout.SIGNER_INFO] ?? 0) >> Layout.SIGNING_KEY_LSB) & 7) === Layout.SIGNING_KEY_VLEK;

function evidenceOfTable(
  table: ReadonlyMap<Entry, Uint8Array>,
  vlek: boolean,
): Omit<Evidence, "report"> {
  const [first, second] = vlek ? ["VLEK", "VCEK"] : ["VCEK", "VLEK"];
  const part = (field: string, bytes: Uint8Array | undefined) =>
    bytes === undefined ? {} : { [field]: bytes };
  return {
    ...part("vek", table.get(first as Entry) ?? table.get(second as Entry)),
    ...part("ask", table.get("ASK")),
    ...part("ark", table.get("ARK")),
    ...part("crl", table.get("CRL")),
  };
}

const fields = { VCEK: "vek", VLEK: "vek", ASK: "ask", ASVK: "ask", ARK: "ark" } as const;

/** Evidence from a report and files in any order: DER, PEM, bundles; a certificate's subject says its place. */
export function evidenceOfFiles(report: Uint8Array, files: readonly Uint8Array[]): Evidence {
  const found: Record<string, Uint8Array> = {};
  for (const file of files) {
    const lists = isPem(file) ? pemBlocks(new TextDecoder().decode(file), ["X509 CRL", "CRL"]) : [];
    if (lists[0] !== undefined) found["crl"] = lists[0];
    if (lists.length > 0) continue;
    for (const certificate of parseCertificates(file)) {
      const role = roleOf(certificate);
      if (role === undefined) {
        const name = certificate.subject["CN"]?.[0] ?? "";
        throw new Refusal("CERTIFICATE_PROFILE", `subject "${name}" is none of AMD's`);
      }
      found[fields[role]] = certificate.der;
    }
  }
  return { report, ...found };
}

/** Trust anchors: X.509 ARKs, keys in AMD's own form, and the ASKs that came beside them. */
export interface Roots {
  readonly arks: readonly Certificate[];
  readonly legacy: readonly LegacyCertificate[];
  readonly asks: readonly Certificate[];
}

/** Reads roots: an ARK in DER, a `cert_chain` in PEM, or AMD's `ask_ark.cert`. */
export function parseRoots(files: readonly Uint8Array[]): Roots {
  if (files.length === 0) throw new Refusal("NO_ROOT", "pass the ARK, or AMD's cert_chain");
  const arks: Certificate[] = [];
  const asks: Certificate[] = [];
  const legacy: LegacyCertificate[] = [];
  for (const file of files) {
    try {
      if (isLegacy(file)) legacy.push(...parseLegacy(file));
      else {
        for (const certificate of parseCertificates(file)) {
          (roleOf(certificate) === "ARK" ? arks : asks).push(certificate);
        }
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal("ROOT_MALFORMED", error.message);
    }
  }
  const anchors = arks.length + legacy.filter((one) => one.role === "ARK").length;
  if (anchors === 0) throw new Refusal("NO_ROOT", "the files given hold no ARK");
  return { arks, asks, legacy };
}

const trimmed = (bytes: Uint8Array) => bytes.subarray(bytes.findIndex((byte) => byte !== 0));

/** True when this ARK is one of the roots, whole; a root in AMD's own form is only a key. */
export function isTrusted(ark: Certificate, roots: Roots): boolean {
  return (
    roots.arks.some((root) => equal(root.der, ark.der)) ||
    roots.legacy.some(
      (root) =>
        root.role === "ARK" &&
        equal(trimmed(root.modulus), trimmed(ark.key.number)) &&
        equal(trimmed(root.exponent), trimmed(ark.key.exponent ?? new Uint8Array(0))),
    )
  );
}
