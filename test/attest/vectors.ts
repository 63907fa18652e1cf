// The real Milan report and AMD's certificates for it, where the vectors are present. ../shared/vectors/README.md.
import { existsSync, readFileSync } from "node:fs";
import { skip } from "../kit.ts";

const FOLDER = "../shared/vectors";

export interface Milan {
  report: Uint8Array;
  vek: Uint8Array;
  /** ASK, then ARK, in PEM. */
  root: Uint8Array;
  /** Within the validity of all three. */
  now: number;
}

/** Undefined, said aloud, on a machine without the vectors. */
export function milan(): Milan | undefined {
  const read = (name: string) => new Uint8Array(readFileSync(`${FOLDER}/${name}`));
  if (!existsSync(`${FOLDER}/attestation.bin`)) {
    skip("the real Milan report", `${FOLDER} is not here`);
    return undefined;
  }
  return {
    report: read("attestation.bin"),
    vek: read("vcek.testcer"),
    root: read("milan.testcer"),
    now: Date.UTC(2023, 0, 1),
  };
}
