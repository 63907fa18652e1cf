// QEMU's command line: what it launches. QEMU 8.2 to 10, qemu-options.hx and qapi/qom.json.
import { Misuse } from "../../error.ts";
import { confidentialGuest } from "./qemu-guest.ts";
import { flags, notEmulated, silent } from "./qemu-options.ts";
import { countOf, type LaunchRequest, UNMEASURED_KERNEL } from "./request.ts";
import { type Pairs, pairsOf, pairsOfEither, wordsOf } from "./words.ts";

/** A command line taken apart: every option's arguments, in order. */
class CommandLine {
  readonly notes: string[] = [];
  readonly #given = new Map<string, string[]>();

  constructor(words: readonly string[]) {
    // The program itself, and what stands before it (sudo, VAR=value, numactl).
    const start = words.findIndex((word) => word.startsWith("-"));
    for (let at = start < 0 ? words.length : start; at < words.length; at++) {
      const word = words[at] as string;
      if (!word.startsWith("-")) {
        this.notes.push(`not emulated: disk image ${word}`);
        continue;
      }
      const name = word.replace(/^--?/, "");
      if (flags.includes(name)) this.#take(name, "");
      else {
        const argument = words[++at];
        if (argument === undefined) throw new Misuse(`-${name}: expected an argument`);
        this.#take(name, argument);
      }
    }
  }

  #take(name: string, argument: string): void {
    if (silent.includes(name)) return;
    if (notEmulated.includes(name)) {
      this.notes.push(`not emulated: -${name}${argument === "" ? "" : ` ${argument}`}`);
      return;
    }
    if (!used.includes(name)) {
      throw new Misuse(`-${name}: unknown option, expected one of QEMU's`);
    }
    this.#given.set(name, [...this.all(name), argument]);
  }

  all(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  /** QEMU goes by the last. */
  last(...names: string[]): string | undefined {
    return names.flatMap((name) => this.all(name)).at(-1);
  }
}

const used: readonly string[] = [
  "M",
  "append",
  "bios",
  "blockdev",
  "cpu",
  "drive",
  "initrd",
  "kernel",
  "m",
  "machine",
  "object",
  "pflash",
  "smp",
];

const UNITS: Readonly<Record<string, bigint>> = { k: 10n, m: 20n, g: 30n, t: 40n };

/** "16G", "512", "2048M": MiB without a letter. */
function memoryOf(line: CommandLine): bigint | undefined {
  const text = line.last("m");
  if (text === undefined) return undefined;
  const size = pairsOf("-m", text, "size").get("size") ?? "";
  const [, digits, unit] = /^(\d+)([kKmMgGtT]?)(?:i?[bB])?$/.exec(size) ?? [];
  if (digits === undefined) throw new Misuse(`-m ${text}: expected a size like 16G`);
  return BigInt(digits) << (UNITS[(unit || "m").toLowerCase()] as bigint);
}

const TOPOLOGY = ["drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"];

function vcpusOf(line: CommandLine): number {
  const text = line.last("smp");
  if (text === undefined) return 1;
  const pairs = pairsOf("-smp", text, "cpus");
  const known = [...TOPOLOGY, "cpus", "maxcpus"];
  for (const key of pairs.keys()) {
    if (!known.includes(key)) throw new Misuse(`-smp ${text}: unknown key ${key}`);
  }
  const count = (key: string) =>
    pairs.has(key) ? countOf(`-smp ${key}`, pairs.get(key) as string) : undefined;
  const topology = TOPOLOGY.map(count).filter((value) => value !== undefined);
  const product = topology.reduce((all, one) => all * one, 1);
  const cpus = count("cpus") ?? count("maxcpus") ?? product;
  const most = count("maxcpus") ?? (topology.length > 0 ? Math.max(product, cpus) : cpus);
  if (cpus < 1 || cpus > most) throw new Misuse(`-smp ${text}: ${cpus} CPUs of at most ${most}`);
  if (most > cpus)
    line.notes.push(`not emulated: CPU hotplug (-smp ${text}); SEV guests have none`);
  return cpus;
}

/** The model before the first comma; "host" and "max" are the host's own. */
function vcpuTypeOf(line: CommandLine): string | undefined {
  const [model, ...features] = (line.last("cpu") ?? "qemu64").split(",");
  if (features.some((feature) => /^(\+svm|svm=on)$/.test(feature))) {
    line.notes.push("not emulated: nested virtualisation (svm); SNP guests have none");
  }
  return model === "host" || model === "max" ? undefined : model;
}

/** The file behind a -blockdev node, through its format driver. */
function fileOfNode(line: CommandLine, node: string): string | undefined {
  const nodes = line.all("blockdev").map((text) => pairsOfEither("-blockdev", text, "driver"));
  const seen = new Set<string>();
  for (let name: string | undefined = node; name !== undefined && !seen.has(name); ) {
    seen.add(name);
    const found: Pairs | undefined = nodes.find((pairs) => pairs.get("node-name") === name);
    const file = found?.get("filename") ?? found?.get("file.filename");
    if (file !== undefined) return file;
    name = found?.get("file");
  }
  return undefined;
}

/** -bios, the first pflash drive, or machine property pflash0. */
function firmwareOf(line: CommandLine, machine: Pairs): string | undefined {
  const drives = line.all("drive").map((text) => ({ text, pairs: pairsOf("-drive", text) }));
  const isFlash = ({ pairs }: { pairs: Pairs }) => pairs.get("if") === "pflash";
  for (const { text } of drives.filter((drive) => !isFlash(drive))) {
    line.notes.push(`not emulated: -drive ${text}`);
  }
  const flash = drives.filter(isFlash).map(({ pairs }, i) => ({
    unit: countOf("-drive unit", pairs.get("unit") ?? String(i)),
    file: pairs.get("file"),
  }));
  const first = flash.find(({ unit }) => unit === 0)?.file;
  const node = machine.get("pflash0");
  const byNode = node === undefined ? undefined : fileOfNode(line, node);
  if (node !== undefined && byNode === undefined) {
    throw new Misuse(`-machine pflash0=${node}: no -blockdev with that node-name and a file`);
  }
  const file = line.last("bios") ?? byNode ?? first ?? line.last("pflash");
  for (const { unit, file: name } of flash) {
    if (unit !== 0) line.notes.push(`not loaded: firmware variables ${name ?? ""}`);
  }
  return file;
}

function machineOf(line: CommandLine): Pairs {
  const all = [...line.all("machine"), ...line.all("M")];
  return new Map(all.flatMap((text) => [...pairsOf("-machine", text, "type")]));
}

function igvmOf(machine: Pairs, objects: readonly Pairs[]): string | undefined {
  const id = machine.get("igvm-cfg");
  if (id === undefined) return undefined;
  const file = objects
    .find((pairs) => pairs.get("id") === id && pairs.get("qom-type") === "igvm-cfg")
    ?.get("file");
  if (file === undefined) throw new Misuse(`-machine igvm-cfg=${id}: no such object with a file`);
  return file;
}

/** What a QEMU command line launches. Throws Misuse where QEMU would refuse it, or where it starts no SEV guest. */
export function readQemu(commandLine: string): LaunchRequest {
  const line = new CommandLine(wordsOf(commandLine));
  const machine = machineOf(line);
  const objects = line.all("object").map((text) => pairsOfEither("-object", text, "qom-type"));
  const guest = confidentialGuest(machine, objects, line.notes);
  const firmware = firmwareOf(line, machine);
  const [kernel, initrd, append] = ["kernel", "initrd", "append"].map((name) => line.last(name));
  if (kernel === undefined) {
    for (const [name, value] of Object.entries({ initrd, append })) {
      if (value !== undefined) throw new Misuse(`-${name}: expected -kernel with it`);
    }
  }
  if (kernel !== undefined && !guest.kernelHashes) line.notes.push(UNMEASURED_KERNEL);
  if (guest.generation === "sev-snp" && firmware !== undefined && line.last("bios") === undefined) {
    line.notes.push("QEMU maps no pflash for SNP guests: give the image by -bios");
  }
  return {
    ...guest,
    vcpus: vcpusOf(line),
    vcpuType: vcpuTypeOf(line),
    memory: memoryOf(line),
    firmware,
    igvm: igvmOf(machine, objects),
    kernel,
    initrd,
    append,
    notes: line.notes,
  };
}
