// Native peers: C of bench/native/, compiled here and run beside, in a process that answers one line for each line it is sent.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** Where peers are made. */
export const BINARIES: string = resolve("node_modules/.cache/bench-native");
const SOURCES = "bench/native";
const FLAGS = ["-O3", "-march=x86-64-v2", "-Wall", "-Werror"];

/** OpenSSL's capability mask without AES, VAES and carry-less instructions: what software without them can do. */
export const WITHOUT_AES: Record<string, string> = {
  OPENSSL_ia32cap: "~0x200000200000000:~0x600",
};

export interface Answer {
  seconds: number;
  /** What the peer says came of it: digests and counters. */
  words: string[];
}

export interface Native {
  ask(line: string): Promise<Answer>;
  stop(): void;
}

const binaries = new Map<string, string | undefined>();

/** The binary of a source, or undefined with a word on stderr where it cannot be made. */
function compiled(name: string, libraries: string[]): string | undefined {
  if (binaries.has(name)) return binaries.get(name);
  mkdirSync(BINARIES, { recursive: true });
  const binary = join(BINARIES, name);
  const source = join(SOURCES, `${name}.c`);
  const { status, stderr, error } = spawnSync("cc", [
    ...FLAGS,
    `-I${BINARIES}`,
    source,
    "-o",
    binary,
    ...libraries.map((library) => `-l${library}`),
  ]);
  const made = status === 0 ? binary : undefined;
  if (!made) {
    const why = error ? "no C compiler" : String(stderr).trim();
    process.stderr.write(`SKIPPED: the peers of ${source}: ${why}\n`);
  }
  binaries.set(name, made);
  return made;
}

export interface NativeOptions {
  libraries?: string[];
  env?: Record<string, string>;
  /** What stands on its command line. */
  words?: string[];
}

/** Starts a peer, or answers undefined where there is no compiler or library. */
export function native(
  name: string,
  { libraries = [], env = {}, words = [] }: NativeOptions = {},
): Native | undefined {
  const binary = compiled(name, libraries);
  if (!binary) return undefined;
  const child: ChildProcess = spawn(binary, words, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async ask(line) {
      child.stdin!.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name}: no answer to "${line}"`);
      const [nanoseconds, ...words] = String(value).split(" ");
      return { seconds: Number(nanoseconds) / 1e9, words };
    },
    stop: () => child.stdin!.end(),
  };
}

/** FNV-1a, as bench/native/peer.h computes it. */
export function digest(bytes: Uint8Array): string {
  let sum = 0xcbf29ce484222325n;
  for (const byte of bytes) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum.toString(16).padStart(16, "0");
}

/** Throws unless both sides came to the same. */
export function same(what: string, ours: string, theirs: string | undefined): void {
  if (ours !== theirs) throw new Error(`${what}: ours is ${ours}, the native peer's ${theirs}`);
}
