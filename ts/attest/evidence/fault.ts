// Evidence that must be refused: one row per fault, with the code it must earn and why. docs/attestation.md.
import type { Code } from "../code.ts";
import { certificateFaults } from "./fault-certificate.ts";
import { reportFaults } from "./fault-report.ts";
import type { Identity } from "./identity.ts";
import type { Parts } from "./parts.ts";
import { extended, goodParts } from "./parts.ts";
import type { ReportOptions } from "./report.ts";

/** What a fault works on: a platform, and the good evidence it starts from. */
export interface Bench {
  readonly identity: Identity;
  /** Good evidence with other report fields, signed. */
  readonly good: (options?: ReportOptions) => Parts;
}

export interface Fault {
  readonly name: string;
  readonly code: Code;
  /** `validate`: the evidence is genuine, and a strict policy refuses what it says. */
  readonly stage: "verify" | "validate";
  readonly why: string;
  /** The extended report, or parts of which one is made. */
  readonly make: (bench: Bench) => Promise<Parts | Uint8Array> | Parts | Uint8Array;
}

export const faults: readonly Fault[] = [...reportFaults, ...certificateFaults];

/** The file of one fault. */
export async function makeFault(fault: Fault, identity: Identity): Promise<Uint8Array> {
  const made = await fault.make({
    identity,
    good: (options) => goodParts(identity, options),
  });
  return made instanceof Uint8Array ? made : extended(made);
}
