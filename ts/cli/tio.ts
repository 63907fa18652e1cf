// cloister tio connect | demo | status: Cloister's requester against a responder on a socket; trusted I/O on a machine of its own.
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { BadInput, Misuse } from "../error.ts";
import type { TioPhase } from "../hypervisor/tsm/tsm.ts";
import { seeded } from "../spdm/chance.ts";
import { driveAsync, type Exchange } from "../spdm/exchange.ts";
import { hex, hexWord } from "../spdm/octets.ts";
import {
  type Connected,
  connectDevice,
  disconnectDevice,
  lockInterface,
  startInterface,
} from "../tsm/connect.ts";
import { updateKeys } from "../tsm/key-exchange.ts";
import { SpdmRequester } from "../tsm/spdm.ts";
import { Trace } from "./conversation.ts";
import { readBytes } from "./device-files.ts";
import { SHUTDOWN, TEST } from "./frame.ts";
import { hostClock, hostPrng } from "./host.ts";
import { chip, oneOf, whole } from "./option.ts";
import { type Client, openClient } from "./socket.ts";
import { tioDemo } from "./tio-demo.ts";
import { tioStatusVerb } from "./tio-status.ts";
import { versionsOf } from "./versions.ts";

interface ConnectOptions {
  responder: string;
  function: string;
  stream: string;
  idePort: string;
  slot: string;
  spdm: string;
  root: string[];
  seed?: string;
  timeout: string;
  keep?: boolean;
  report?: string;
  decode?: boolean;
  pcap?: string;
}

const HELLO = new TextEncoder().encode("Client Hello!\0");
const phases = oneOf("--tio-phase", ["1", "2", "3", "4"] as const);
const tioPhase = (text: string) => Number(phases(text)) as TioPhase;
const collect = (value: string, before: string[]): string[] => [...before, value];

function within(text: string, name: string, limit: number): number {
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0 || value > limit) {
    throw new Misuse(`--${name} ${text}: expected 0 to ${limit}`);
  }
  return value;
}

async function connect(options: ConnectOptions): Promise<void> {
  const trace = new Trace(options, hostClock, true);
  const timeout = within(options.timeout, "timeout", 3_600_000);
  const functionId = within(options.function, "function", 0x1ffffff);
  const stream = {
    streamId: within(options.stream, "stream", 255),
    portIndex: within(options.idePort, "ide-port", 255),
  };
  const requester = new SpdmRequester({
    prng: options.seed === undefined ? hostPrng : seeded(options.seed),
    clock: hostClock,
    roots: options.root.map(readBytes),
    versions: versionsOf(options.spdm),
    tap: trace.tap,
  });
  const client = await openClient(options.responder, timeout);
  const run = <T>(exchange: Exchange<T>): Promise<T> => driveAsync(exchange, seen(client, trace));
  try {
    await client.command(TEST, HELLO);
    const connected = await run(connectDevice(requester, stream, within(options.slot, "slot", 7)));
    printDevice(connected, options.root.length > 0);
    const { nonce, report } = await run(lockInterface(connected, functionId));
    if (options.report) save(options.report, report.octets);
    for (const { rangeId, firstPage, pages, attributes } of report.ranges) {
      const from = `page 0x${firstPage.toString(16)}, ${pages} pages`;
      process.stdout.write(`range ${rangeId}: ${from}, attributes ${hexWord(attributes, 4)}\n`);
    }
    await run(startInterface(connected, functionId, nonce));
    process.stdout.write(`function ${hexWord(functionId, 4)}: RUN\n`);
    if (options.keep) return;
    await run(updateKeys(requester, connected.session));
    await run(disconnectDevice(connected, [functionId]));
    process.stdout.write(`function ${hexWord(functionId, 4)}: stopped, session ended\n`);
    await client.command(SHUTDOWN);
  } finally {
    trace.flush();
    client.close();
  }
}

function seen(
  client: Client,
  trace: Trace,
): (object: Uint8Array) => Promise<Uint8Array | undefined> {
  return async (object) => {
    trace.request(object);
    const answer = await client.exchange(object);
    trace.response(answer);
    return answer;
  };
}

function printDevice({ requester, measurements, keys }: Connected, believed: boolean): void {
  const { version, suite } = requester;
  const names = [suite.signer?.name, suite.hash.name, suite.dhe?.name, suite.aead?.name];
  process.stdout.write(`SPDM 1.${version & 15}, ${names.join(", ")}\n`);
  process.stdout.write(
    `certificates: chain holds, ${believed ? "root believed" : "no root given"}\n`,
  );
  for (const { index, valueType, raw, value } of measurements) {
    const kind = `type ${valueType}${raw ? " raw" : ""}`;
    process.stdout.write(`measurement ${index}, ${kind}: ${hex(value)}\n`);
  }
  process.stdout.write(`IDE stream: ${keys.size} keys programmed and started\n`);
}

function save(file: string, octets: Uint8Array): void {
  try {
    writeFileSync(file, octets);
  } catch (error) {
    throw new BadInput(`${file}: ${(error as Error).message}`);
  }
}

export function tio(program: Command): void {
  const verb = program.command("tio").description("the TSM's side of a TDISP device");
  verb
    .command("connect")
    .description("connect, lock and start an interface of a responder on a socket")
    .requiredOption("--responder <host:port>", "where the responder listens")
    .option("--function <id>", "Requester ID of the interface", "0xbeef")
    .option("--stream <id>", "IDE stream to key", "0")
    .option("--ide-port <n>", "IDE_KM port index", "1")
    .option("--slot <n>", "certificate slot", "0")
    .option("--spdm <versions>", "SPDM versions to speak", "1.1,1.2,1.3")
    .option("--root <file>", "DER root to believe, repeatable", collect, [])
    .option("--seed <text>", "the same text gives the same nonces and keys")
    .option("--timeout <ms>", "how long to wait for an answer", "10000")
    .option("--keep", "leave the interface in RUN and the session open")
    .option("--report <file>", "write the device interface report")
    .option("--decode", "each message in words on stderr")
    .option("--pcap <file>", "each data object into a pcapng file")
    .action(connect);
  const words = "1 links, 2 lock and accept, 3 private DMA, 4 evidence";
  const phase = ["--tio-phase <n>", words, tioPhase, 4] as const;
  verb
    .command("demo")
    .description("a Turin, a device and a guest: trusted I/O step by step, every message in words")
    .option(...phase)
    .option("--seed <n>", "the same number gives the same machine", whole("--seed", 0), 1)
    .option("--json", "the steps and messages as a JSON list")
    .option("--pcap <file>", "each data object into a pcapng file")
    .action(tioDemo);
  verb
    .command("status")
    .description(
      "what the firmware of a part says of SEV-TIO, and which devices have a TSM's nodes",
    )
    .option("--chip <name>", "the part", chip, "turin")
    .option(...phase)
    .option("--json", "as JSON")
    .action(tioStatusVerb);
  verb.action(() => {
    throw new Misuse("tio: expected connect, demo or status");
  });
}
