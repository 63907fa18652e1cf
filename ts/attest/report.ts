// ATTESTATION_REPORT: bytes to fields and back, reserved bits checked both ways. AMD 56860, MSG_REPORT_RSP.
import * as Layout from "../abi/report.ts";
import { Misuse } from "../error.ts";
import { bigintOf, isZero, reversed } from "./bytes.ts";
import { Refusal } from "./code.ts";
import { type Dialect, requireGuidePolicyForm, requirePolicyForm } from "./policy.ts";
import { type Cpuid, isTurinChipId, type Product, productOfCpuid } from "./product.ts";
import { composeTcb, parseTcb, requireTcbForm, type Tcb } from "./tcb.ts";

export type SigningKey = "VCEK" | "VLEK" | "none";

/** API version of the firmware. */
export interface Firmware {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export interface Report {
  readonly version: number;
  /** As CPUID says from version 3 on. A report of version 2 tells only Turin, by its CHIP_ID. */
  readonly product?: Product;
  readonly guestSvn: number;
  readonly policy: bigint;
  readonly familyId: Uint8Array;
  readonly imageId: Uint8Array;
  readonly vmpl: number;
  readonly signatureAlgo: number;
  readonly currentTcb: Tcb;
  readonly platformInfo: bigint;
  readonly authorKeyEn: boolean;
  readonly maskChipKey: boolean;
  readonly signingKey: SigningKey;
  readonly reportData: Uint8Array;
  readonly measurement: Uint8Array;
  readonly hostData: Uint8Array;
  readonly idKeyDigest: Uint8Array;
  readonly authorKeyDigest: Uint8Array;
  readonly reportId: Uint8Array;
  readonly reportIdMa: Uint8Array;
  readonly reportedTcb: Tcb;
  /** From version 3 on. */
  readonly cpuid?: Cpuid;
  readonly chipId: Uint8Array;
  readonly committedTcb: Tcb;
  readonly current: Firmware;
  readonly committed: Firmware;
  readonly launchTcb: Tcb;
  /** From version 5 on. */
  readonly launchMitVector?: bigint;
  readonly currentMitVector?: bigint;
  /** As the report holds them: 72 bytes each, little-endian. */
  readonly signatureR: Uint8Array;
  readonly signatureS: Uint8Array;
}

/** VMPL of a report that the host asked for. AMD 56860, SNP_HV_REPORT_REQ. */
export const HOST_VMPL = 0xffffffff;

const signingKeys: Record<number, SigningKey> = {
  [Layout.SIGNING_KEY_VCEK]: "VCEK",
  [Layout.SIGNING_KEY_VLEK]: "VLEK",
  [Layout.SIGNING_KEY_NONE]: "none",
};

const at = (offset: number) => `0x${offset.toString(16).padStart(3, "0")}`;

function requireZero(bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== 0) {
      throw new Refusal("REPORT_RESERVED", `byte ${at(i)} is ${bytes[i]}, expected 0`);
    }
  }
}

/** Reserved fields of every version; those that only older versions reserve are named by `version`. */
function requireReserved(bytes: Uint8Array, version: number): void {
  requireZero(bytes, Layout.RESERVED_04C, Layout.REPORT_DATA);
  requireZero(bytes, version < 3 ? Layout.CPUID_FAM_ID : Layout.RESERVED_18B, Layout.CHIP_ID);
  requireZero(bytes, Layout.RESERVED_1EB, Layout.COMMITTED_BUILD);
  requireZero(bytes, Layout.RESERVED_1EF, Layout.LAUNCH_TCB);
  const mitigations = version < 5 ? Layout.LAUNCH_MIT_VECTOR : Layout.RESERVED_208;
  requireZero(bytes, mitigations, Layout.SIGNATURE_R);
  requireZero(bytes, Layout.RESERVED_330, Layout.SIZE);
}

function requirePlatformInfo(info: bigint): void {
  const reserved =
    (info >> BigInt(Layout.PLATFORM_INFO_WIDTH)) |
    ((info >> BigInt(Layout.PLATFORM_INFO_RESERVED_BIT)) & 1n);
  if (reserved !== 0n) {
    throw new Refusal("PLATFORM_INFO_RESERVED", `0x${info.toString(16)}, expected bits 7, 5 to 0`);
  }
}

function signingKeyOf(info: number): SigningKey {
  const key = signingKeys[(info >>> Layout.SIGNING_KEY_LSB) & 7];
  if (info >>> Layout.SIGNER_INFO_WIDTH !== 0 || key === undefined) {
    const seen = `0x${info.toString(16)}`;
    throw new Refusal("SIGNER_INFO_RESERVED", `${seen}, expected bits 4 to 0, SIGNING_KEY 0, 1, 7`);
  }
  return key;
}

function requireHead(bytes: Uint8Array, view: DataView): number {
  if (bytes.length !== Layout.SIZE) {
    throw new Refusal("REPORT_LENGTH", `${bytes.length} bytes, expected ${Layout.SIZE}`);
  }
  const version = view.getUint32(Layout.VERSION, true);
  if (version < 2 || version > 5) {
    throw new Refusal("REPORT_VERSION", `${version}, expected 2 to 5`);
  }
  const algorithm = view.getUint32(Layout.SIGNATURE_ALGO, true);
  if (algorithm !== Layout.ECDSA_P384_SHA384) {
    throw new Refusal("SIGNATURE_ALGORITHM", `SIGNATURE_ALGO is ${algorithm}, expected 1`);
  }
  const vmpl = view.getUint32(Layout.VMPL, true);
  if (vmpl > 3 && vmpl !== HOST_VMPL) {
    throw new Refusal("VMPL_RANGE", `${vmpl}, expected 0 to 3 or 0xffffffff`);
  }
  return version;
}

function productOf(bytes: Uint8Array, version: number): Product | undefined {
  const chipId = bytes.subarray(Layout.CHIP_ID, Layout.COMMITTED_TCB);
  if (version < 3) return isTurinChipId(chipId) ? "Turin" : undefined;
  const family = bytes[Layout.CPUID_FAM_ID] as number;
  const model = bytes[Layout.CPUID_MOD_ID] as number;
  const product = productOfCpuid(family, model);
  if (product === undefined) {
    const seen = `family ${at(family)}, model ${at(model)}`;
    throw new Refusal("PRODUCT_UNKNOWN", `${seen}, expected Milan, Genoa or Turin`);
  }
  return product;
}

const tcbFields = {
  currentTcb: Layout.CURRENT_TCB,
  reportedTcb: Layout.REPORTED_TCB,
  committedTcb: Layout.COMMITTED_TCB,
  launchTcb: Layout.LAUNCH_TCB,
} as const;

function tcbsOf(view: DataView, product: Product | undefined): Record<keyof typeof tcbFields, Tcb> {
  const tcbs: Record<string, Tcb> = {};
  for (const [name, offset] of Object.entries(tcbFields)) {
    const word = view.getBigUint64(offset, true);
    requireTcbForm(name, word, product ?? "Milan");
    tcbs[name] = parseTcb(word, product ?? "Milan");
  }
  return tcbs as Record<keyof typeof tcbFields, Tcb>;
}

const byteFields = [
  ["familyId", Layout.FAMILY_ID, Layout.IMAGE_ID],
  ["imageId", Layout.IMAGE_ID, Layout.VMPL],
  ["reportData", Layout.REPORT_DATA, Layout.MEASUREMENT],
  ["measurement", Layout.MEASUREMENT, Layout.HOST_DATA],
  ["hostData", Layout.HOST_DATA, Layout.ID_KEY_DIGEST],
  ["idKeyDigest", Layout.ID_KEY_DIGEST, Layout.AUTHOR_KEY_DIGEST],
  ["authorKeyDigest", Layout.AUTHOR_KEY_DIGEST, Layout.REPORT_ID],
  ["reportId", Layout.REPORT_ID, Layout.REPORT_ID_MA],
  ["reportIdMa", Layout.REPORT_ID_MA, Layout.REPORTED_TCB],
  ["chipId", Layout.CHIP_ID, Layout.COMMITTED_TCB],
  ["signatureR", Layout.SIGNATURE_R, Layout.SIGNATURE_S],
  ["signatureS", Layout.SIGNATURE_S, Layout.RESERVED_330],
] as const;

type ByteField = (typeof byteFields)[number][0];

const bytesOf = (bytes: Uint8Array): Record<ByteField, Uint8Array> =>
  Object.fromEntries(
    byteFields.map(([name, start, end]) => [name, bytes.slice(start, end)]),
  ) as Record<ByteField, Uint8Array>;

/** What is one byte each: the firmware's versions, and CPUID from version 3 on. */
function versionsOf(view: DataView, version: number) {
  const byte = (offset: number) => view.getUint8(offset);
  return {
    current: {
      major: byte(Layout.CURRENT_MAJOR),
      minor: byte(Layout.CURRENT_MINOR),
      build: byte(Layout.CURRENT_BUILD),
    },
    committed: {
      major: byte(Layout.COMMITTED_MAJOR),
      minor: byte(Layout.COMMITTED_MINOR),
      build: byte(Layout.COMMITTED_BUILD),
    },
    ...(version >= 3 && {
      cpuid: {
        family: byte(Layout.CPUID_FAM_ID),
        model: byte(Layout.CPUID_MOD_ID),
        stepping: byte(Layout.CPUID_STEP),
      },
    }),
  };
}

/** A report's fields. Refuses what the ABI reserves; says nothing of who signed it. Only the policy word depends on the dialect. */
export function parseReport(given: Uint8Array, dialect: Dialect = "abi"): Report {
  // A copy: the fields are the caller's to keep, and a Node Buffer's slice would share memory.
  const bytes = Uint8Array.from(given);
  const view = new DataView(bytes.buffer);
  const version = requireHead(bytes, view);
  requireReserved(bytes, version);
  const policy = view.getBigUint64(Layout.POLICY, true);
  if (dialect === "abi") requirePolicyForm(policy);
  else requireGuidePolicyForm(policy);
  const platformInfo = view.getBigUint64(Layout.PLATFORM_INFO, true);
  requirePlatformInfo(platformInfo);
  const info = view.getUint32(Layout.SIGNER_INFO, true);
  const signingKey = signingKeyOf(info);
  const product = productOf(bytes, version);
  return {
    version,
    ...(product !== undefined && { product }),
    guestSvn: view.getUint32(Layout.GUEST_SVN, true),
    policy,
    vmpl: view.getUint32(Layout.VMPL, true),
    signatureAlgo: Layout.ECDSA_P384_SHA384,
    platformInfo,
    authorKeyEn: ((info >>> Layout.AUTHOR_KEY_EN_BIT) & 1) === 1,
    maskChipKey: ((info >>> Layout.MASK_CHIP_KEY_BIT) & 1) === 1,
    signingKey,
    ...bytesOf(bytes),
    ...tcbsOf(view, product),
    ...versionsOf(view, version),
    ...(version >= 5 && {
      launchMitVector: view.getBigUint64(Layout.LAUNCH_MIT_VECTOR, true),
      currentMitVector: view.getBigUint64(Layout.CURRENT_MIT_VECTOR, true),
    }),
  };
}

function signerInfoOf(report: Report): number {
  const key = Object.entries(signingKeys).find(([, name]) => name === report.signingKey);
  return (
    (Number(report.authorKeyEn) << Layout.AUTHOR_KEY_EN_BIT) |
    (Number(report.maskChipKey) << Layout.MASK_CHIP_KEY_BIT) |
    (Number(key?.[0]) << Layout.SIGNING_KEY_LSB)
  );
}

function composeVersions(view: DataView, report: Report): void {
  view.setUint8(Layout.CURRENT_MAJOR, report.current.major);
  view.setUint8(Layout.CURRENT_MINOR, report.current.minor);
  view.setUint8(Layout.CURRENT_BUILD, report.current.build);
  view.setUint8(Layout.COMMITTED_MAJOR, report.committed.major);
  view.setUint8(Layout.COMMITTED_MINOR, report.committed.minor);
  view.setUint8(Layout.COMMITTED_BUILD, report.committed.build);
  if (report.version >= 3 && report.cpuid !== undefined) {
    view.setUint8(Layout.CPUID_FAM_ID, report.cpuid.family);
    view.setUint8(Layout.CPUID_MOD_ID, report.cpuid.model);
    view.setUint8(Layout.CPUID_STEP, report.cpuid.stepping);
  }
  if (report.version >= 5) {
    view.setBigUint64(Layout.LAUNCH_MIT_VECTOR, report.launchMitVector ?? 0n, true);
    view.setBigUint64(Layout.CURRENT_MIT_VECTOR, report.currentMitVector ?? 0n, true);
  }
}

/** The 1,184 bytes of a report, signature included as given. What it makes, `parseReport` takes. */
export function composeReport(report: Report): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Layout.SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(Layout.VERSION, report.version, true);
  view.setUint32(Layout.GUEST_SVN, report.guestSvn, true);
  view.setBigUint64(Layout.POLICY, report.policy, true);
  view.setUint32(Layout.VMPL, report.vmpl, true);
  view.setUint32(Layout.SIGNATURE_ALGO, report.signatureAlgo, true);
  view.setBigUint64(Layout.PLATFORM_INFO, report.platformInfo, true);
  view.setUint32(Layout.SIGNER_INFO, signerInfoOf(report), true);
  for (const [name, start, end] of byteFields) {
    const value = report[name];
    if (value.length !== end - start) {
      throw new Misuse(`${name}: ${value.length} bytes, expected ${end - start}`);
    }
    bytes.set(value, start);
  }
  for (const [name, offset] of Object.entries(tcbFields)) {
    const tcb = report[name as keyof typeof tcbFields];
    view.setBigUint64(offset, composeTcb(tcb, report.product ?? "Milan"), true);
  }
  composeVersions(view, report);
  return bytes;
}

/** r and s as numbers, refused unless each is from 1 to the order less one. FIPS 186-5, 6.4.2. */
export function signatureOf(report: Report): { r: bigint; s: bigint } {
  const r = bigintOf(reversed(report.signatureR));
  const s = bigintOf(reversed(report.signatureS));
  for (const [name, value] of [["r", r] as const, ["s", s] as const]) {
    if (value === 0n || value >= P384_ORDER) {
      throw new Refusal("SIGNATURE_RANGE", `${name} is 0x${value.toString(16)}`);
    }
  }
  return { r, s };
}

// SEC 2, 2.5.1.
const P384_ORDER =
  0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;

/** True when nothing was signed: MASK_CHIP_KEY, or a guest that asked for no key. */
export const isUnsigned = (report: Report): boolean =>
  report.signingKey === "none" || (isZero(report.signatureR) && report.maskChipKey);
