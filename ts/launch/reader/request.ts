// What a QEMU command line or a libvirt domain asks for, whichever it was. Files are still names.
import { unbase64 } from "../../attest/bytes.ts";
import { Misuse } from "../../error.ts";

export interface LaunchRequest {
  readonly generation: "sev" | "sev-es" | "sev-snp";
  readonly vcpus: number;
  /** A CPU model by name; undefined for the host's own. */
  readonly vcpuType: string | undefined;
  /** Bytes of guest memory; undefined when nothing was said. */
  readonly memory: bigint | undefined;
  readonly firmware: string | undefined;
  readonly igvm: string | undefined;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  /** Whether the kernel is measured. */
  readonly kernelHashes: boolean;
  readonly policy: bigint;
  readonly cbitpos: number | undefined;
  readonly reducedPhysBits: number | undefined;
  /** SEV_FEATURES of an SNP guest. */
  readonly features: bigint;
  /** SNP: 96 and 4096 bytes. */
  readonly idBlock: Uint8Array | undefined;
  readonly idAuth: Uint8Array | undefined;
  readonly authorKey: boolean;
  readonly vcekDisabled: boolean;
  /** SNP: 32 bytes. */
  readonly hostData: Uint8Array | undefined;
  /** SNP: GOSVW, 16 bytes. */
  readonly workarounds: Uint8Array | undefined;
  /** SEV: files of the owner's Diffie-Hellman certificate and session, or in libvirt their base64. */
  readonly dhCert: string | undefined;
  readonly session: string | undefined;
  /** What the launch leaves out, and what its author should know: a line each. */
  readonly notes: readonly string[];
}

/** What the guest's own object or element says. */
export type GuestPart = Pick<
  LaunchRequest,
  | "generation"
  | "kernelHashes"
  | "policy"
  | "cbitpos"
  | "reducedPhysBits"
  | "features"
  | "idBlock"
  | "idAuth"
  | "authorKey"
  | "vcekDisabled"
  | "hostData"
  | "workarounds"
  | "dhCert"
  | "session"
>;

/** POLICY.ES of the SEV API's word. AMD 55766, 2.6. */
export const SEV_POLICY_ES_BIT = 2;

/** The generation of a legacy guest, by its policy. */
export const legacyGeneration = (policy: bigint): "sev" | "sev-es" =>
  (policy >> BigInt(SEV_POLICY_ES_BIT)) & 1n ? "sev-es" : "sev";

/** A number as C writes it. */
export function numberOf(name: string, text: string): bigint {
  if (/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text) && BigInt(text) < 1n << 64n) return BigInt(text);
  throw new Misuse(`${name}: "${text}", expected a 64-bit number`);
}

/** A count that fits 32 bits. */
export function countOf(name: string, text: string): number {
  const value = numberOf(name, text);
  if (value < 1n << 32n) return Number(value);
  throw new Misuse(`${name}: "${text}", expected a 32-bit number`);
}

/** base64 of so many bytes. */
export function bytesOf(name: string, text: string, bytes: number): Uint8Array {
  const value = unbase64(text);
  if (value === undefined) throw new Misuse(`${name}: not base64`);
  if (value.length === bytes) return value;
  throw new Misuse(`${name}: ${value.length} bytes, expected ${bytes}`);
}

/** What both readers say of a kernel that the launch does not measure. */
export const UNMEASURED_KERNEL =
  "the kernel is not measured: without kernel-hashes=on (libvirt: kernelHashes='yes') the launch says nothing of it";
