// cloister device serve | state: a TDISP device on a socket, and what its interfaces are doing.
import { type Command, Option } from "commander";
import { TdispDevice } from "../device/device.ts";
import { faults } from "../device/fault.ts";
import { BadInput, Misuse } from "../error.ts";
import { seeded } from "../spdm/chance.ts";
import { Trace } from "./conversation.ts";
import { measurementsFrom, reportFrom, slotsFrom } from "./device-files.ts";
import { serve } from "./device-server.ts";
import { TDI_STATE } from "./frame.ts";
import { hostClock, hostPrng } from "./host.ts";
import { openClient, portOf } from "./socket.ts";
import { versionsOf } from "./versions.ts";

interface ServeOptions {
  host: string;
  port: string;
  slots: string;
  spdm: string;
  seed?: string;
  tdiReport?: string;
  measurements?: string;
  certificates?: string;
  fault: string[];
  decode?: boolean;
  pcap?: string;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

async function serveDevice(options: ServeOptions): Promise<void> {
  const trace = new Trace(options, hostClock, false);
  const device = new TdispDevice({
    prng: options.seed === undefined ? hostPrng : seeded(options.seed),
    clock: hostClock,
    slotCount: Number(options.slots),
    versions: versionsOf(options.spdm).sort(),
    faults: options.fault,
    tap: trace.tap,
    ...(options.tdiReport ? { tdiReport: reportFrom(options.tdiReport) } : {}),
    ...(options.measurements ? { measurements: measurementsFrom(options.measurements) } : {}),
    ...(options.certificates ? { slots: slotsFrom(options.certificates) } : {}),
  });
  device.configure();
  const { host } = options;
  const server = await serve({
    device,
    host,
    port: portOf(options.port),
    onExchange(object, answer) {
      trace.request(object);
      trace.response(answer);
    },
  }).catch((error: Error) => {
    throw new BadInput(`${host}:${options.port}: ${error.message}`);
  });
  process.stderr.write(
    "emulated by Cloister: its keys and measurements prove nothing about silicon\n",
  );
  process.stdout.write(`listening on ${host}:${server.port}\n`);
  await new Promise<void>((stopped) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stopped);
  });
  await server.close();
}

async function printState(options: { host: string; port: string; json?: boolean }): Promise<void> {
  const client = await openClient(`${options.host}:${options.port}`, 5000);
  const answer = await client.command(TDI_STATE).finally(() => client.close());
  if (!answer) throw new BadInput(`${options.host}:${options.port}: no answer within 5 s`);
  const text = new TextDecoder().decode(answer);
  if (options.json) {
    process.stdout.write(`${text}\n`);
    return;
  }
  for (const { functionId, state, tee } of statesOf(text)) {
    const name = `0x${functionId.toString(16).padStart(4, "0")}`;
    process.stdout.write(`${name} ${state} T-bit requests ${tee ? "admitted" : "refused"}\n`);
  }
}

function statesOf(text: string): { functionId: number; state: string; tee: boolean }[] {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadInput(`the server's answer is no list of states: ${text.slice(0, 40)}`);
  }
}

export function device(program: Command): void {
  const verb = program.command("device").description("a TDISP device, emulated");
  const names = Object.keys(faults);
  verb
    .command("serve")
    .description("answer DMTF's requester and validator over their socket framing")
    .addOption(new Option("--transport <name>").choices(["pci-doe"]).default("pci-doe"))
    .option("--port <n>", "TCP port, 0 for any", "2323")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--slots <n>", "certificate slots to fill, 1 to 8", "1")
    .option("--spdm <versions>", "SPDM versions to speak", "1.1,1.2,1.3")
    .option("--seed <text>", "the same text gives the same keys, nonces and certificates")
    .option("--tdi-report <file>", "device interface report to tell, as it travels")
    .option("--measurements <file>", "JSON list of { index, type, value, raw? }")
    .option("--certificates <dir>", "slotN.p384.chain and slotN.p384.key, or p256")
    .option("--fault <name>", `what to do wrong, repeatable: ${names.join(", ")}`, collect, [])
    .option("--decode", "each message in words on stderr")
    .option("--pcap <file>", "each data object into a pcapng file")
    .action(serveDevice);
  verb
    .command("state")
    .description("the state of each TDI of a running server, and whether it admits T-bit requests")
    .option("--port <n>", "TCP port", "2323")
    .option("--host <address>", "where the server listens", "127.0.0.1")
    .option("--json", "as the server tells it")
    .action(printState);
  verb.action(() => {
    throw new Misuse("device: expected serve or state");
  });
}
