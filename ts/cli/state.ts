// The state directory: everything that a launched machine follows from, so that other verbs make the same machine again.
//
// state.json says what was launched (docs/launch.md has the format); the firmware's image lies beside it, named by its hash;
// mailbox.jsonl has every command that passed the mailbox, messages.jsonl every message that the guest has sent since. state.json is
// renamed into place last: a directory has one launch whole, or the one before.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "@noble/hashes/sha2.js";
import { PAYLOAD_LIMIT } from "../abi/message.ts";
import { hex, unhex } from "../attest/bytes.ts";
import { BadInput, CheckFailed } from "../error.ts";
import type { Vmpck } from "../guest/attestation-guest.ts";
import type { Question } from "../guest/messages.ts";
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
const MESSAGES = "messages.jsonl";
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
  writeWhole(join(dir, MESSAGES), "");
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

/** A message that the guest sent, and under which key. */
export interface Said extends Question {
  readonly vmpck: Vmpck;
}

/** A machine made again. */
export interface Opened extends Machine {
  readonly state: State;
  /** What the guest has sent since its launch; the counts on both sides follow from it. */
  readonly said: readonly Said[];
  /** All that has passed the mailbox so far is in the directory's log already. */
  settle(): void;
  /** Adds messages, and the commands that passed the mailbox since it was settled, to the directory. */
  keep(said: readonly Said[]): void;
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
  let kept = records.length;
  const append = (name: string, text: string) => {
    try {
      appendFileSync(join(dir, name), text);
    } catch (error) {
      throw new BadInput(`${join(dir, name)}: ${(error as Error).message}`);
    }
  };
  return {
    ...machine,
    state,
    said: readMessages(dir),
    settle() {
      kept = records.length;
    },
    keep(said) {
      append(MESSAGES, said.map((one) => `${JSON.stringify(messageToJson(one))}\n`).join(""));
      append(LOG, lines(records.slice(kept)));
      kept = records.length;
    },
  };
}

const messageToJson = ({ payload, ...said }: Said) => ({ ...said, payload: hex(payload) });

function messageOf(json: unknown): Said {
  const { vmpck, type, version, payload, certificatePages } = json as Record<string, unknown>;
  const isByte = (value: unknown) => Number.isInteger(value) && (value as number) >>> 8 === 0;
  if (!isByte(type) || !isByte(version) || ![0, 1, 2, 3].includes(vmpck as number))
    throw new BadInput(`type ${type}, version ${version}, vmpck ${vmpck}: no message`);
  if (certificatePages !== undefined && !isByte(certificatePages))
    throw new BadInput(`certificatePages: ${certificatePages}`);
  const bytes = unhex(String(payload));
  if (!bytes || bytes.length > PAYLOAD_LIMIT)
    throw new BadInput(`payload: expected at most ${PAYLOAD_LIMIT} bytes in hexadecimal`);
  return { ...(json as Said), payload: bytes };
}

/** Every message that the guest has sent; none in a directory of before they were kept. */
function readMessages(dir: string): Said[] {
  const path = join(dir, MESSAGES);
  return existsSync(path) ? readLines(path, messageOf) : [];
}

function readLines<T>(path: string, read: (json: unknown) => T): T[] {
  return readText(path)
    .split("\n")
    .filter((line) => line !== "")
    .map((line, i) => {
      try {
        return read(JSON.parse(line));
      } catch (error) {
        throw new BadInput(`${path}:${i + 1}: ${(error as Error).message}`);
      }
    });
}

/** Every command in the log, decoded. */
export function readLog(dir: string): ReturnType<typeof decodeCommand>[] {
  readState(dir);
  return readLines(join(dir, LOG), (json) => json as ReturnType<typeof decodeCommand>);
}
