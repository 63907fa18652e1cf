// cloister policy decode|encode: the guest policy word in AMD's dialect and the field guide's. DESIGN.md, section 5.
import type { Command } from "commander";
import {
  decodeGuidePolicy,
  decodePolicy,
  encodeGuidePolicy,
  encodePolicy,
  type GuestPolicy,
  type GuideFlag,
  gapOf,
  guidePolicyBits,
  type PolicyFlag,
  policyBits,
  presets,
  requirePolicyForm,
} from "../attest/policy.ts";
import { Misuse } from "../error.ts";
import { dialectOf, reading, wordOption } from "./attestation.ts";

interface Options {
  dialect: string;
  abi?: string;
  preset?: string;
}

const text = (word: bigint) => `0x${word.toString(16).padStart(8, "0")}`;

const isGuide = ({ dialect }: Options): boolean => dialectOf(dialect) === "field-guide";

/** The preset with this word, and where its name promises more than its bits set. */
function presetLines(word: bigint): string[] {
  return Object.entries(presets)
    .filter(([, preset]) => preset.word === word)
    .flatMap(([name]) => {
      const gap = gapOf(name);
      const promise =
        gap.length === 0 ? "its bits set all it promises" : `not set: ${gap.join(", ")}`;
      return [`preset         ${name}`, `name and bits  ${promise}`];
    });
}

function abiLines(word: bigint): string[] {
  const policy = decodePolicy(word);
  const flags = (Object.keys(policyBits) as PolicyFlag[]).map(
    (flag) => `${flag.padEnd(22)} ${String(policyBits[flag]).padStart(2)}  ${policy[flag]}`,
  );
  return [`${"abi".padEnd(26)} ${policy.abiMajor}.${policy.abiMinor}`, ...flags];
}

function decode(given: string, options: Options): void {
  const word = presets[given]?.word ?? wordOption("policy", given);
  const guide = isGuide(options);
  const lines = [`policy         ${text(word)}`];
  if (guide) {
    const seen = decodeGuidePolicy(word);
    lines.push(`flags          ${seen.length === 0 ? "none" : seen.join(", ")}`);
    lines.push(...presetLines(word));
  } else {
    // A preset of the guide is a word like any other; its reserved bits are judged as the firmware would.
    lines.push(...abiLines(word), ...presetLines(word));
  }
  process.stdout.write(`${lines.join("\n")}\n`);
  if (!guide) reading("policy", () => requirePolicyForm(word));
}

function abiOf(version: string | undefined): Partial<GuestPolicy> {
  if (version === undefined) return {};
  const match = /^([0-9]{1,3})\.([0-9]{1,3})$/.exec(version);
  if (match === null) throw new Misuse(`--abi: "${version}", expected MAJOR.MINOR`);
  return { abiMajor: Number(match[1]), abiMinor: Number(match[2]) };
}

function encode(flags: string[], options: Options): void {
  const guide = isGuide(options);
  if (options.preset !== undefined) {
    gapOf(options.preset);
    process.stdout.write(`${text(presets[options.preset]?.word as bigint)}\n`);
    for (const line of presetLines(presets[options.preset]?.word as bigint)) {
      process.stderr.write(`cloister: ${line}\n`);
    }
    return;
  }
  const known: string[] = Object.keys(guide ? guidePolicyBits : policyBits);
  for (const flag of flags) {
    if (!known.includes(flag)) {
      throw new Misuse(`policy flag "${flag}", expected ${known.join(", ")}`);
    }
  }
  const set = Object.fromEntries(flags.map((flag) => [flag, true]));
  const word = guide
    ? encodeGuidePolicy(flags as GuideFlag[])
    : encodePolicy({ ...set, ...abiOf(options.abi) });
  process.stdout.write(`${text(word)}\n`);
}

export function policy(program: Command): void {
  const verb = program.command("policy").description("the guest policy word, both ways");
  verb
    .command("decode")
    .argument("<word>", `a number, or ${Object.keys(presets).join(", ")}`)
    .option("--dialect <name>", "abi or field-guide", "abi")
    .action(decode);
  verb
    .command("encode")
    .argument("[flags...]", Object.keys(policyBits).join(", "))
    .option("--dialect <name>", "abi or field-guide", "abi")
    .option("--abi <version>", "minimum ABI, MAJOR.MINOR")
    .option("--preset <name>", Object.keys(presets).join(", "))
    .action(encode);
}
