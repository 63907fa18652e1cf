// ATTESTATION_REPORT as the firmware makes it: from the guest's context and the platform, signed. SNP firmware ABI (AMD 56860), 7.3.
import * as Layout from "../abi/report.ts";
import { signReport } from "../attest/evidence/report.ts";
import { guideMeasurement } from "../attest/guide/measurement.ts";
import { composeReport, type Report } from "../attest/report.ts";
import { parseTcb } from "../attest/tcb.ts";
import type { Chip } from "../chip/chip.ts";
import type { FirmwareVersion, PlatformFacts } from "./facts.ts";
import type { GuestContext } from "./guest.ts";
import type { EndorsementKind } from "./keys.ts";

export interface ReportRequest {
  readonly vmpl: number;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  readonly kind: EndorsementKind;
  /** Undefined under MASK_CHIP_KEY: the report stays unsigned. */
  readonly signer: Uint8Array | undefined;
}

const since = ({ major, minor }: FirmwareVersion, least: number) => major > 1 || minor >= least;

/** Version 3 came with firmware 1.55, 5 with the mitigation vectors of 1.58; Turin never had 2. Spec digest attestation.md, 2. */
export function reportVersion(chip: Chip, version: FirmwareVersion): number {
  if (since(version, 58)) return 5;
  return chip.name === "turin" || since(version, 55) ? 3 : 2;
}

/** Family, model and stepping, each with its extension. CPUID Fn0000_0001 EAX. */
function cpuidOf(signature: number) {
  const field = (lsb: number, width: number) => (signature >>> lsb) & ((1 << width) - 1);
  return {
    family: field(8, 4) + field(20, 8),
    model: (field(16, 4) << 4) | field(4, 4),
    stepping: field(0, 4),
  };
}

function fieldsOf(facts: PlatformFacts, guest: GuestContext, request: ReportRequest): Report {
  const { product, tcb, version } = facts;
  const { idBlock } = guest;
  const levels = (word: bigint) => parseTcb(word, product);
  return {
    version: reportVersion(facts.chip, version.current),
    product,
    guestSvn: idBlock?.guestSvn ?? 0,
    policy: guest.policy,
    familyId: idBlock?.familyId ?? new Uint8Array(16),
    imageId: idBlock?.imageId ?? new Uint8Array(16),
    vmpl: request.vmpl,
    signatureAlgo: Layout.ECDSA_P384_SHA384,
    currentTcb: levels(tcb.current),
    platformInfo: facts.platformInfo,
    authorKeyEn: idBlock?.authorKeyEn ?? false,
    maskChipKey: facts.maskChipKey,
    signingKey: request.signer ? request.kind : "none",
    reportData: request.reportData,
    measurement:
      facts.dialect === "abi"
        ? guest.measurement
        : guideMeasurement(guest.vmpck[3] as Uint8Array, guest.measurement),
    hostData: guest.hostData,
    idKeyDigest: idBlock?.idKeyDigest ?? new Uint8Array(48),
    authorKeyDigest: idBlock?.authorKeyDigest ?? new Uint8Array(48),
    reportId: guest.reportId,
    reportIdMa: guest.reportIdMa,
    reportedTcb: levels(tcb.reported),
    cpuid: cpuidOf(facts.chip.signature),
    chipId: facts.maskChipId ? new Uint8Array(64) : facts.chipId,
    committedTcb: levels(tcb.committed),
    current: version.current,
    committed: version.committed,
    launchTcb: levels(guest.launchTcb),
    launchMitVector: guest.launchMitVector,
    currentMitVector: facts.mitigationVector,
    signatureR: new Uint8Array(72),
    signatureS: new Uint8Array(72),
  };
}

/** The 1,184 bytes, signed unless the chip's key is masked. ECDSA by RFC 6979, so equal requests give equal reports. */
export function makeReport(
  facts: PlatformFacts,
  guest: GuestContext,
  request: ReportRequest,
): Uint8Array {
  const bytes = composeReport(fieldsOf(facts, guest, request));
  return request.signer ? signReport(bytes, request.signer) : bytes;
}
