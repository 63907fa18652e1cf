// cloister generate key-digest: a key as a report names it, ID_KEY_DIGEST or AUTHOR_KEY_DIGEST.
import type { Command } from "commander";
import { hex } from "../attest/bytes.ts";
import { publicKeyDigest } from "../launch/identity/id-block.ts";
import { writeBytes } from "./attestation.ts";
import { generateCommand } from "./generate.ts";
import { readKey } from "./launch-inputs.ts";
import { print } from "./output.ts";

async function act(key: string, flags: { keyDigestFile?: string; quiet?: boolean }): Promise<void> {
  const text = hex(publicKeyDigest(readKey(key).point));
  if (flags.keyDigestFile) writeBytes(flags.keyDigestFile, text);
  if (!flags.quiet) await print(text);
}

export function generateKeyDigest(program: Command): void {
  generateCommand(program)
    .command("key-digest")
    .description("ID_KEY_DIGEST or AUTHOR_KEY_DIGEST that a report shows for a key")
    .argument("<key>", "P-384 private key, PEM or DER")
    .option("-d, --key-digest-file <file>", "write it here as well")
    .option("-q, --quiet", "print nothing")
    .action(act);
}
