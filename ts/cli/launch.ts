// cloister launch: a guest through the whole of a launch, and the state directory that other verbs go on from.
import type { Command } from "commander";
import { hex } from "../attest/bytes.ts";
import { presets } from "../attest/policy.ts";
import { chipNames } from "../chip/chip.ts";
import { BadInput } from "../error.ts";
import { CommandRefused } from "../hypervisor/mailbox.ts";
import { type Host, missLine } from "../launch/host.ts";
import { buildMachine, type Machine } from "../machine.ts";
import type { CommandRecord } from "../psp/log.ts";
import { sayEmulated } from "./attestation.ts";
import { hostMisses, readHost } from "./host-file.ts";
import { naming, vcpuFlags } from "./launch-inputs.ts";
import { type LaunchFlags, launchOf } from "./launch-options.ts";
import {
  dialectNames,
  type Launch,
  type LaunchGeneration,
  launchGenerations,
  specOf,
} from "./launch-spec.ts";
import { oneOf, size, whole } from "./option.ts";
import { print } from "./output.ts";
import { DEFAULT_DIRECTORY, writeState } from "./state.ts";

/** Refuses a host that misses a minimum; each miss is a line on stderr. */
function requireMinima(path: string, generation: LaunchGeneration): Host {
  const host = readHost(path);
  const misses = hostMisses(host, generation);
  for (const miss of misses) process.stderr.write(`cloister: ${path}: ${missLine(miss)}\n`);
  if (misses.length > 0) throw new BadInput(`${path}: ${misses.length} minima missed`);
  return host;
}

/** A refusal by the firmware is the input's fault: a policy, an ID block. */
function built(launch: Launch, path: string, records: CommandRecord[]): Machine {
  try {
    const spec = naming(path, () => specOf(launch));
    return buildMachine(spec, { onCommand: (record) => records.push(record) });
  } catch (error) {
    if (error instanceof CommandRefused)
      throw new BadInput(`the firmware refused ${error.message}`);
    throw error;
  }
}

async function act(flags: LaunchFlags): Promise<void> {
  const { launch, path } = launchOf(flags);
  const { chip, generation, policy } = launch;
  const host = flags.host === undefined ? undefined : requireMinima(flags.host, generation);
  const records: CommandRecord[] = [];
  const machine = built(launch, path, records);
  const measurement = hex(machine.measurement);
  const { pages } = machine;
  writeState(flags.state, { launch, measurement, pages, host }, records);
  sayEmulated(`launch of ${chip}`);
  const shown = { measurement, policy: `0x${policy.toString(16)}`, chip, generation, pages };
  if (flags.json) return print(JSON.stringify(shown, null, 2));
  const rows = Object.entries({ ...shown, state: flags.state });
  await print(rows.map(([name, value]) => `${name.padEnd(12)} ${value}`).join("\n"));
}

export function launch(program: Command): void {
  const verb = program
    .command("launch")
    .description("launch a guest through the secure processor, and print what it measured")
    .option("-o, --ovmf <file>", "the firmware's image")
    .option("--igvm <file>", "an IGVM file instead")
    .option("-k, --kernel <file>", "kernel that QEMU starts, measured through its hash")
    .option("-i, --initrd <file>", "its initrd")
    .option("-a, --append <text>", "its command line")
    .option("-v, --vcpus <n>", "how many vCPUs; default 1");
  vcpuFlags(verb)
    .option("-p, --policy <word>", `guest policy, or ${Object.keys(presets).join(", ")}`)
    .option("-m, --memory <size>", "of the guest; default 2GiB", size("--memory"))
    .option("--chip <name>", chipNames.join(", "), oneOf("--chip", chipNames), "turin")
    .option(
      "--generation <name>",
      launchGenerations.join(", "),
      oneOf("--generation", launchGenerations),
    )
    .option("--seed <n>", "everything random follows from it", whole("--seed", 0), 1)
    .option("--dialect <name>", dialectNames.join(" or "), oneOf("--dialect", dialectNames), "abi")
    .option("--qemu <command line>", "launch what QEMU would; the options above stand over it")
    .option("--libvirt <file>", "launch what libvirt would, from a domain's XML")
    .option(
      "--host <file>",
      "JSON {part, microcode, firmware, kernel, qemu, libvirt, ovmf} to check against minima",
    )
    .option("--state <dir>", "where the launch is left for other verbs", DEFAULT_DIRECTORY)
    .option("--json", "{measurement, policy, chip, generation, pages}")
    .action(act);
}
