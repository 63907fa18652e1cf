// A host as a JSON file describes it: {part, microcode, firmware, kernel, qemu, libvirt, ovmf}.
import { BadInput } from "../error.ts";
import { type Host, type Miss, missesOf, requireHost } from "../launch/host.ts";
import { naming, ofFile } from "./launch-inputs.ts";
import type { LaunchGeneration } from "./launch-spec.ts";

/** Reads a host. Throws BadInput that names the file and the key. */
export function readHost(path: string): Host {
  const text = ofFile(path, (bytes) => new TextDecoder().decode(bytes));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
  return naming(path, () => requireHost(value));
}

/** The guide's minima that the host misses for a guest of this generation. */
export const hostMisses = (host: Host, generation: LaunchGeneration): Miss[] =>
  missesOf(host, generation === "sev-tio" ? "sev-tio" : "sev-snp");
