// Faults in the report: signature, format, and contents that a strict policy refuses. AMD 56860, MSG_REPORT_RSP.
import * as Policy from "../../abi/guest-policy.ts";
import * as Layout from "../../abi/report.ts";
import { concat } from "../bytes.ts";
import type { Code } from "../code.ts";
import type { Bench, Fault } from "./fault.ts";
import { extended, type Parts, tableOf } from "./parts.ts";
import { cpuidOf, type ReportOptions, signReport } from "./report.ts";

/** Changes a good report's bytes and leaves the signature as it was. */
function bent(bench: Bench, change: (bytes: Uint8Array, view: DataView) => void): Parts {
  const parts = bench.good();
  const report = Uint8Array.from(parts.report);
  change(report, new DataView(report.buffer));
  return { ...parts, report };
}

/** Changes a good report's bytes and signs again: what a firmware gone wrong would hand out. */
function wrongButSigned(bench: Bench, change: (bytes: Uint8Array, view: DataView) => void): Parts {
  const parts = bent(bench, change);
  return { ...parts, report: signReport(parts.report, bench.identity.vcek.secretKey) };
}

// SEC 2, 2.5.1: the order of P-384, little-endian as a report has it.
const ORDER_LE = Uint8Array.from(
  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973".match(
    /../g,
  ) as string[],
  (byte) => Number.parseInt(byte, 16),
).reverse();

function signatureFault(name: string, offset: number, bytes: Uint8Array, why: string): Fault {
  const make = (bench: Bench) =>
    bent(bench, (report) => {
      report.fill(0, offset, offset + 72);
      report.set(bytes, offset);
    });
  return { name, code: "SIGNATURE_RANGE", stage: "verify", why, make };
}

function reservedFault(offset: number): Fault {
  const place = offset.toString(16).padStart(3, "0");
  return {
    name: `reserved-${place}`,
    code: "REPORT_RESERVED",
    stage: "verify",
    why: `byte 0x${place} is reserved and not zero; the report is signed that way`,
    make: (bench) =>
      wrongButSigned(bench, (report) => {
        report[offset] = 1;
      }),
  };
}

function wordFault(name: string, code: Code, why: string, offset: number, bit: number): Fault {
  const make = (bench: Bench) =>
    wrongButSigned(bench, (_, view) => {
      view.setBigUint64(offset, view.getBigUint64(offset, true) ^ (1n << BigInt(bit)), true);
    });
  return { name, code, stage: "verify", why, make };
}

function policyFault(name: string, code: Code, why: string, options: ReportOptions): Fault {
  return { name, code, stage: "validate", why, make: (bench) => bench.good(options) };
}

const withBit = (bit: number) => 0x30000n | (1n << BigInt(bit));

const signature: Fault[] = [
  {
    name: "bad-signature",
    code: "REPORT_SIGNATURE",
    stage: "verify",
    why: "one bit of REPORT_DATA changed after signing",
    make: (bench) =>
      bent(bench, (report) => {
        report[Layout.REPORT_DATA] = (report[Layout.REPORT_DATA] as number) ^ 1;
      }),
  },
  {
    name: "other-key",
    code: "REPORT_SIGNATURE",
    stage: "verify",
    why: "signed with the VLEK, certified with the VCEK",
    make: (bench) => {
      const parts = bench.good();
      return { ...parts, report: signReport(parts.report, bench.identity.vlek.secretKey) };
    },
  },
  {
    name: "signing-key-masked",
    code: "REPORT_UNSIGNED",
    stage: "verify",
    why: "MASK_CHIP_KEY: SIGNING_KEY says none and the signature is zero",
    make: (bench) => bench.good({ signingKey: "none", maskChipKey: true }),
  },
  {
    name: "signer-mismatch",
    code: "SIGNER_MISMATCH",
    stage: "verify",
    why: "SIGNING_KEY says VLEK, signed and certified by the VCEK",
    make: (bench) =>
      wrongButSigned(bench, (_, view) => view.setUint32(Layout.SIGNER_INFO, 1 << 2, true)),
  },
  signatureFault("r-zero", Layout.SIGNATURE_R, new Uint8Array(0), "r is zero"),
  signatureFault("s-zero", Layout.SIGNATURE_S, new Uint8Array(0), "s is zero"),
  signatureFault("r-order", Layout.SIGNATURE_R, ORDER_LE, "r is the order of P-384"),
  signatureFault("s-order", Layout.SIGNATURE_S, ORDER_LE, "s is the order of P-384"),
  signatureFault(
    "r-over",
    Layout.SIGNATURE_R,
    concat(new Uint8Array(48), Uint8Array.of(1)),
    "r is 2^384, far over the order",
  ),
];

const format: Fault[] = [
  {
    name: "short",
    code: "REPORT_LENGTH",
    stage: "verify",
    why: "the last byte is missing",
    make: (bench) => bench.good().report.subarray(0, Layout.SIZE - 1),
  },
  {
    name: "empty",
    code: "REPORT_LENGTH",
    stage: "verify",
    why: "no byte at all",
    make: () => new Uint8Array(0),
  },
  {
    name: "long",
    code: "TABLE_MALFORMED",
    stage: "verify",
    why: "one byte behind the report, where a certificate table would be",
    make: (bench) => concat(bench.good().report, Uint8Array.of(0)),
  },
  {
    name: "table-length",
    code: "TABLE_MALFORMED",
    stage: "verify",
    why: "the first certificate reaches beyond the table's end",
    make: (bench) => {
      const table = tableOf(bench.good());
      new DataView(table.buffer).setUint32(0x14, 0x7fffffff, true);
      return concat(bench.good().report, table);
    },
  },
  {
    name: "table-endless",
    code: "TABLE_MALFORMED",
    stage: "verify",
    why: "the table ends without its all-zero entry",
    make: (bench) => extended(bench.good()).subarray(0, Layout.SIZE + 0x30),
  },
  ...[0, 1, 6, 99].map(
    (version): Fault => ({
      name: `version-${version}`,
      code: "REPORT_VERSION",
      stage: "verify",
      why: `the report says it is of version ${version}`,
      make: (bench) =>
        wrongButSigned(bench, (_, view) => view.setUint32(Layout.VERSION, version, true)),
    }),
  ),
  ...[0x04c, 0x18b, 0x1eb, 0x1ef, 0x1f8, 0x208, 0x29f, 0x330, 0x49f].map(reservedFault),
  wordFault("policy-bit-17", "POLICY_RESERVED", "bit 17 of POLICY is 0", Layout.POLICY, 17),
  wordFault("policy-bit-63", "POLICY_RESERVED", "bit 63 of POLICY is 1", Layout.POLICY, 63),
  wordFault("platform-bit-6", "PLATFORM_INFO_RESERVED", "bit 6 is 1", Layout.PLATFORM_INFO, 6),
  wordFault("platform-bit-8", "PLATFORM_INFO_RESERVED", "bit 8 is 1", Layout.PLATFORM_INFO, 8),
  wordFault("signer-bit-5", "SIGNER_INFO_RESERVED", "bit 5 is 1", Layout.SIGNER_INFO, 5),
  wordFault("signing-key-2", "SIGNER_INFO_RESERVED", "SIGNING_KEY is 2", Layout.SIGNER_INFO, 3),
  wordFault("tcb-reserved", "TCB_RESERVED", "byte 5 of CURRENT_TCB is 1", Layout.CURRENT_TCB, 40),
  {
    name: "signature-algorithm",
    code: "SIGNATURE_ALGORITHM",
    stage: "verify",
    why: "SIGNATURE_ALGO is 2",
    make: (bench) =>
      wrongButSigned(bench, (_, view) => view.setUint32(Layout.SIGNATURE_ALGO, 2, true)),
  },
  {
    name: "vmpl-4",
    code: "VMPL_RANGE",
    stage: "verify",
    why: "VMPL is 4",
    make: (bench) => wrongButSigned(bench, (_, view) => view.setUint32(Layout.VMPL, 4, true)),
  },
  {
    name: "product-unknown",
    code: "PRODUCT_UNKNOWN",
    stage: "verify",
    why: "family 0x17 had no SEV-SNP",
    make: (bench) => bench.good({ cpuid: { family: 0x17, model: 0x31, stepping: 0 } }),
  },
];

const contents: Fault[] = [
  {
    name: "tcb-mismatch",
    code: "TCB_MISMATCH",
    stage: "verify",
    why: "REPORTED_TCB is one microcode level under the certificate's",
    make: (bench) => {
      const { tcb } = bench.identity;
      return bench.good({ reportedTcb: { ...tcb, microcode: tcb.microcode - 1 } });
    },
  },
  {
    name: "tcb-rollback",
    code: "TCB_ROLLBACK",
    stage: "validate",
    why: "CURRENT_TCB is under COMMITTED_TCB and REPORTED_TCB: the firmware was rolled back",
    make: (bench) => {
      const { tcb } = bench.identity;
      return bench.good({ currentTcb: { ...tcb, snp: tcb.snp - 1 } });
    },
  },
  {
    name: "provisional",
    code: "PROVISIONAL_FIRMWARE",
    stage: "validate",
    why: "the firmware in use is newer than the committed one",
    make: (bench) => bench.good({ committed: { major: 1, minor: 54, build: 1 } }),
  },
  {
    name: "wrong-chip-id",
    code: "CHIP_ID_MISMATCH",
    stage: "verify",
    why: "CHIP_ID is another chip's",
    make: (bench) => {
      const chipId = Uint8Array.from(bench.identity.chipId);
      chipId[0] = (chipId[0] as number) ^ 1;
      return bench.good({ chipId });
    },
  },
  {
    name: "masked-chip-id",
    code: "CHIP_ID_MASKED",
    stage: "verify",
    why: "MASK_CHIP_ID: CHIP_ID is zero",
    make: (bench) => bench.good({ chipId: new Uint8Array(64) }),
  },
  {
    name: "wrong-product",
    code: "PRODUCT_MISMATCH",
    stage: "verify",
    why: "family and model are another product's",
    make: (bench) => {
      const other = bench.identity.product === "Genoa" ? "Milan" : "Genoa";
      // The TCB words keep this product's form; on Turin that form would differ, so it alone is bent.
      if (bench.identity.product !== "Turin") return bench.good({ cpuid: cpuidOf[other] });
      const tcb = { bootloader: 1, tee: 1, snp: 0, microcode: 75 };
      const tcbs = { currentTcb: tcb, reportedTcb: tcb, committedTcb: tcb, launchTcb: tcb };
      return bench.good({ product: other, cpuid: cpuidOf[other], ...tcbs });
    },
  },
  policyFault("debug-policy", "POLICY_DEBUG", "the guest may be debugged", {
    policy: withBit(Policy.DEBUG_BIT),
  }),
  policyFault("migration-agent", "POLICY_MIGRATE_MA", "a migration agent is allowed and there", {
    policy: withBit(Policy.MIGRATE_MA_BIT),
    reportIdMa: new Uint8Array(32).fill(0x4d),
  }),
  policyFault("migration-agent-hidden", "MIGRATION_AGENT", "a migration agent no policy allowed", {
    reportIdMa: new Uint8Array(32).fill(0x4d),
  }),
  policyFault("cxl-policy", "POLICY_CXL", "CXL is allowed", {
    policy: withBit(Policy.CXL_ALLOW_BIT),
  }),
  policyFault("vmpl-over-0", "VMPL", "requested from VMPL 1, where VMPL 0 is expected", {
    vmpl: 1,
  }),
];

export const reportFaults: readonly Fault[] = [...signature, ...format, ...contents];
