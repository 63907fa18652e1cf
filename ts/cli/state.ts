// The state directory: everything that a launched machine follows from, so that other verbs make the same machine again.
//
// state.json says what was launched (docs/launch.md has the format); the firmware's image lies beside it, named by its hash;
// mailbox.jsonl has every command that passed the mailbox. state.json is renamed into place last: a directory has one launch
// whole, or the one before.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "../attest/bytes.ts";
import { BadInput, CheckFailed } from "../error.ts";
import type { Host } from "../launch/host.ts";
import { buildMachine, type Machine } from "../machine.ts";
import type { CommandRecord } from "../psp/log.ts";
import { decodeCommand } from "../psp/log.ts";
import type { Image } from "../world.ts";
import { type Launch, launchFromJson, launchToJson, specOf } from "./launch-spec.ts";
import { writeWhole } from "./output.ts";

export const DEFAULT_DIRECTORY = ".cloister";
const STATE = "state.json";
const LOG = "mailbox.jsonl";
const FORMAT = "cloister state 1";
/** First hexadecimal digits of an image's SHA-256 in its file's name. */
const NAME_DIGITS = 32;

/** What a state directory holds. */
export interface State {
  readonly launch: Launch;
  /** 96 hexadecimal digits; of SEV and SEV-ES guests 64. */
  readonly measurement: string;
  readonly pages: number;
  /** What `launch --host` was given. */
  readonly host?: Host | undefined;
}

const lines = (records: readonly CommandRecord[]) =>
  records.map((record) => `${JSON.stringify(decodeCommand(record))}\n`).join("");

const imageName = (image: Uint8Array) => `${hex(sha256(image)).slice(0, NAME_DIGITS)}.image`;

/** Writes a launch, whole or not at all, and the commands that it took. */
export function writeState(dir: string, state: State, records: readonly CommandRecord[]): void {
  const { launch, measurement, pages, host } = state;
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new BadInput(`${dir}: ${(error as Error).message}`);
  }
  const image = imageName(launch.image);
  writeWhole(join(dir, image), launch.image);
  writeWhole(join(dir, LOG), lines(records));
  const json = { format: FORMAT, ...launchToJson(launch, image), measurement, pages, host };
  writeWhole(join(dir, STATE), `${JSON.stringify(json, null, 2)}\n`);
  for (const name of readdirSync(dir)) {
    if (name.endsWith(".image") && name !== image) rmSync(join(dir, name), { force: true });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
}

/** Reads what was launched. Throws BadInput for a directory that holds no launch, or one that was altered. */
export function readState(dir: string): State {
  const path = join(dir, STATE);
  if (!existsSync(path))
    throw new BadInput(`${dir}: no ${STATE}, expected what cloister launch leaves`);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readText(path));
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
  if (json["format"] !== FORMAT) {
    throw new BadInput(`${path}: format "${json["format"]}", expected "${FORMAT}"`);
  }
  try {
    const launch = launchFromJson(json, (name) => {
      const image = new Uint8Array(readFileSync(join(dir, name)));
      if (imageName(image) !== name) throw new BadInput(`${join(dir, name)}: altered`);
      return image;
    });
    const { measurement, pages, host } = json as unknown as State;
    return { launch, measurement, pages, host };
  } catch (error) {
    throw new BadInput(`${path}: ${(error as Error).message}`);
  }
}

/** A machine made again. */
export interface Opened extends Machine {
  readonly state: State;
  /** Adds the commands that passed the mailbox since the launch to the directory's log. */
  keepLog(): void;
}

/** Makes the machine of a state directory again, as it stood after its launch; `image` is what its vCPUs run. */
export function openState(dir: string, image?: Image): Opened {
  const state = readState(dir);
  const records: CommandRecord[] = [];
  const onCommand = (record: CommandRecord) => records.push(record);
  const machine = buildMachine(specOf(state.launch), { onCommand, ...(image && { image }) });
  const seen = hex(machine.measurement);
  if (seen !== state.measurement) {
    throw new CheckFailed(`${dir}: measures ${seen} now, at its launch ${state.measurement}`);
  }
  const launched = records.length;
  return {
    ...machine,
    state,
    keepLog: () => appendFileSync(join(dir, LOG), lines(records.slice(launched))),
  };
}

/** Every command in the log, decoded. */
export function readLog(dir: string): ReturnType<typeof decodeCommand>[] {
  readState(dir);
  const path = join(dir, LOG);
  return readText(path)
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw new BadInput(`${path}:${i + 1}: ${(error as Error).message}`);
      }
    });
}
