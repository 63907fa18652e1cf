// cloister guest-device serve: a launched guest's /dev/sev-guest and configfs-tsm on a unix socket. docs/guest-device.md.
import { rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import type { Command } from "commander";
import type { ChipName } from "../chip/chip.ts";
import { Misuse } from "../error.ts";
import { dialectOf, integerOption, sayEmulated, wordOption } from "./attestation.ts";
import { chip, whole } from "./option.ts";
import { print } from "./output.ts";

interface Options {
  socket: string;
  chip: ChipName;
  seed: number;
  policy: string;
  vmpck: string;
  dialect: string;
  certificates: boolean;
}

/** Whether somebody answers at a path. */
const answers = (path: string): Promise<boolean> =>
  new Promise((told) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      told(true);
    });
    socket.once("error", () => told(false));
  });

/** Clears away a socket that nobody answers at; anything else at the path stays. */
async function clear(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Misuse(`--socket: ${path} is there and no socket`);
  if (await answers(path)) throw new Misuse(`--socket: ${path} is in use`);
  rmSync(path);
}

async function serve(options: Options): Promise<void> {
  const { GuestMachine } = await import("./guest-machine.ts");
  const { answerTo } = await import("./guest-frame.ts");
  const { serveGuestDevice } = await import("./guest-device-server.ts");
  const { socket } = options;
  const vmpck = integerOption("--vmpck", options.vmpck, 3) as 0 | 1 | 2 | 3;
  const dialect = dialectOf(options.dialect);
  const policy = wordOption("--policy", options.policy);
  await clear(socket);
  const machine = await GuestMachine.launch({
    chip: options.chip,
    seed: BigInt(options.seed),
    policy,
    vmpck,
    dialect,
    certificates: options.certificates,
  });
  sayEmulated(`${options.chip}, seed ${options.seed}`);
  const server = await serveGuestDevice(socket, (frame) =>
    machine.run((devices) => answerTo(devices, frame)),
  ).catch((error: Error) => {
    throw new Misuse(`--socket: ${error.message}`);
  });
  const stop = () => {
    server.close();
    process.exit(0);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  await print(`listening on ${socket}`);
  await new Promise(() => {});
}

export function guestDevice(program: Command): void {
  program
    .command("guest-device")
    .description("what a program inside a guest talks to")
    .command("serve")
    .description("launch a guest; its /dev/sev-guest and configfs-tsm on a unix socket")
    .requiredOption("--socket <path>", "where to listen")
    .option("--chip <name>", "milan, genoa or turin", chip, "milan")
    .option("--seed <n>", "the machine", whole("--seed", 0), 1)
    .option("--policy <word>", "guest policy", "0x30000")
    .option("--vmpck <n>", "0 to 3", "0")
    .option("--dialect <name>", "abi or field-guide", "abi")
    .option("--no-certificates", "the host hands out no certificate table")
    .action(serve);
}
