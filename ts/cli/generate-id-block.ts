// cloister generate id-block: an ID block and its authentication, in base64 as QEMU takes them.
import type { Command } from "commander";
import { base64 } from "../attest/bytes.ts";
import { composeIdBlock, signIdBlock } from "../launch/identity/id-block.ts";
import { hexOption, integerOption, wordOption, writeBytes } from "./attestation.ts";
import { generateCommand } from "./generate.ts";
import { digestOption, readKey } from "./launch-inputs.ts";
import { print } from "./output.ts";

interface Flags {
  familyId?: string;
  imageId?: string;
  version: string;
  svn: string;
  policy: string;
  idFile?: string;
  authFile?: string;
  quiet?: boolean;
}

async function act(idKey: string, authorKey: string, digest: string, flags: Flags): Promise<void> {
  const { familyId, imageId } = flags;
  const block = composeIdBlock({
    digest: digestOption("launch digest", digest),
    version: integerOption("--version", flags.version, 0xffffffff),
    guestSvn: integerOption("--svn", flags.svn, 0xffffffff),
    policy: wordOption("--policy", flags.policy),
    ...(familyId && { familyId: hexOption("--family-id", familyId, 16) }),
    ...(imageId && { imageId: hexOption("--image-id", imageId, 16) }),
  });
  const [blockText, authText] = [
    base64(block),
    base64(signIdBlock(block, readKey(idKey), readKey(authorKey))),
  ];
  if (flags.idFile) writeBytes(flags.idFile, blockText);
  if (flags.authFile) writeBytes(flags.authFile, authText);
  if (!flags.quiet) await print(`ID-BLOCK:\n${blockText}\nAUTH-BLOCK:\n${authText}`);
}

export function generateIdBlock(program: Command): void {
  generateCommand(program)
    .command("id-block")
    .description("an ID block and its authentication, in base64 as QEMU takes them")
    .argument("<id-block-key>", "P-384 private key that signs the block, PEM or DER")
    .argument("<auth-key>", "the author's, that signs the first")
    .argument("<launch-digest>", "hexadecimal, with or without 0x, or base64")
    .option("-f, --family-id <hex>", "16 bytes")
    .option("-m, --image-id <hex>", "16 bytes")
    .option("-v, --version <n>", "of the block", "1")
    .option("-s, --svn <n>", "the guest's security version", "0")
    .option("-p, --policy <word>", "the guest policy that the launch must have", "0x30000")
    .option("-i, --id-file <file>", "write the block here as well")
    .option("-a, --auth-file <file>", "write its authentication here as well")
    .option("-q, --quiet", "print nothing")
    .action(act);
}
