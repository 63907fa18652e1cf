#!/usr/bin/env node
// The command line: one file per verb. Exit codes: 0 done, 1 misuse, 2 bad input, 3 a check inside the emulator failed.
import { Command, CommanderError } from "commander";
import { attack } from "./attack.ts";
import { capture } from "./capture.ts";
import { certificates } from "./certificates.ts";
import { check } from "./check.ts";
import { compare } from "./compare.ts";
import { convert } from "./convert.ts";
import { costs } from "./costs.ts";
import { device } from "./device.ts";
import { display } from "./display.ts";
import { evidence } from "./evidence.ts";
import { Exit, exitCodeOf } from "./exit.ts";
import { exportVerb } from "./export.ts";
import { fetchVerb } from "./fetch.ts";
import { generate } from "./generate.ts";
import { generateIdBlock } from "./generate-id-block.ts";
import { generateKeyDigest } from "./generate-key-digest.ts";
import { generateMeasurement } from "./generate-measurement.ts";
import { generateOvmfHash } from "./generate-ovmf-hash.ts";
import { guestDevice } from "./guest-device.ts";
import { kds } from "./kds.ts";
import { key } from "./key.ts";
import { launch } from "./launch.ts";
import { losses } from "./losses.ts";
import { matrix } from "./matrix.ts";
import { ok } from "./ok.ts";
import { policy } from "./policy.ts";
import { psp } from "./psp.ts";
import { replay } from "./replay.ts";
import { report } from "./report.ts";
import { session } from "./session.ts";
import { tio } from "./tio.ts";
import { trace } from "./trace.ts";
import { verify } from "./verify.ts";
import { version } from "./version.ts";

const verbs: ((program: Command) => void)[] = [
  replay,
  compare,
  costs,
  capture,
  convert,
  trace,
  generate,
  generateMeasurement,
  generateOvmfHash,
  generateIdBlock,
  generateKeyDigest,
  launch,
  ok,
  psp,
  version,
  fetchVerb,
  verify,
  display,
  certificates,
  check,
  exportVerb,
  evidence,
  kds,
  policy,
  device,
  guestDevice,
  report,
  key,
  session,
  tio,
  matrix,
  losses,
  attack,
];

async function main(argv: string[]): Promise<number> {
  const program = new Command("cloister")
    .description("AMD SME, SEV, SEV-ES, SEV-SNP and SEV-TIO, emulated")
    .enablePositionalOptions()
    .exitOverride();
  for (const verb of verbs) verb(program);
  try {
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // commander has already printed its own message, or the help that was asked for
    if (error instanceof CommanderError) return exitCodeOf(error);
    // `check -quiet` says nothing
    if (error instanceof Exit && error.message === "") return error.exitCode;
    process.stderr.write(`cloister: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodeOf(error);
  }
}

// A closed stdout (`| head`) ends quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// exit() and not exitCode: standard input may still be open.
process.exit(await main(process.argv.slice(2)));
