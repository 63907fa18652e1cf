// cloister generate ovmf-hash: the launch digest after the firmware's image alone.
import type { Command } from "commander";
import { ovmfHash } from "../launch/digest.ts";
import { parseOvmf } from "../launch/image/ovmf.ts";
import { writeBytes } from "./attestation.ts";
import { generateCommand } from "./generate.ts";
import { encoded, ofFile, outputFormat } from "./launch-inputs.ts";
import { print } from "./output.ts";

interface Flags {
  ovmf: string;
  outputFormat: string;
  hashFile?: string;
  quiet?: boolean;
}

async function act(flags: Flags): Promise<void> {
  const format = outputFormat(flags.outputFormat);
  const text = encoded(
    ofFile(flags.ovmf, (all) => ovmfHash(parseOvmf(all))),
    format,
  );
  if (flags.hashFile) writeBytes(flags.hashFile, text);
  if (!flags.quiet) await print(text);
}

export function generateOvmfHash(program: Command): void {
  generateCommand(program)
    .command("ovmf-hash")
    .description(
      "the launch digest after the firmware's image alone, for generate measurement --ovmf-hash",
    )
    .requiredOption("-o, --ovmf <file>", "the firmware's image")
    .option("-f, --output-format <name>", "hex or base64", "hex")
    .option("--hash-file <file>", "write it here as well")
    .option("-q, --quiet", "print nothing")
    .action(act);
}
