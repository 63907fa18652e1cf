// node --import tsx bench/instructions.ts: instructions a cycle of the programs behind two shipped traces, on this processor.
// Needs Linux on x86-64, bash, gcc, valgrind, gzip and sqlite3. Where instructionsPerCycle comes from (docs/cost-model.md).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const QUERY =
  "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) " +
  "select sum(i * i % 97), count(distinct i % 1009) from n";
const PROGRAMS = [
  ["gzip", "-9", "-c", "/lib/x86_64-linux-gnu/libc.so.6"],
  ["sqlite3", ":memory:", QUERY],
];
const RUNS = 15;

// Each addition needs the one before it: one a cycle on every part.
const ADDITIONS = 100_000_000;
const CLOCK = `int main(void) {
  unsigned long x = 0;
  for (long i = 0; i < ${ADDITIONS / 10}; i++)
    __asm__ volatile("${"add $1, %0\\n".repeat(10)}" : "+r"(x));
  return x != ${ADDITIONS};
}`;

const quoted = (words: string[]) =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

/** Seconds of a command in user mode. */
function userSeconds(words: string[]): number {
  const script = `TIMEFORMAT=%U; { time ${quoted(words)} >/dev/null; } 2>&1`;
  return Number(execFileSync("bash", ["-c", script], { encoding: "utf8" }));
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** Instructions that a command runs, as valgrind counts them. */
function instructionsOf(words: string[]): number {
  const valgrind = quoted(["valgrind", "--tool=cachegrind", "--cachegrind-out-file=/dev/null"]);
  const script = `${valgrind} ${quoted(words)} 2>&1 >/dev/null`;
  const said = execFileSync("bash", ["-c", script], { encoding: "utf8" });
  return Number(/I +refs: +([0-9,]+)/.exec(said)?.[1]?.replaceAll(",", ""));
}

const folder = mkdtempSync(join(tmpdir(), "cloister-"));
try {
  const [source, clock] = [join(folder, "clock.c"), join(folder, "clock")];
  writeFileSync(source, CLOCK);
  execFileSync("gcc", ["-O2", "-o", clock, source]);
  const info = readFileSync("/proc/cpuinfo", "utf8");
  const fact = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(info)?.[1];
  console.log(`${fact("model name")}, family ${fact("cpu family")}, model ${fact("model")}`);
  for (const words of PROGRAMS) {
    const count = instructionsOf(words);
    const ratios: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const hertz = ADDITIONS / userSeconds([clock]);
      ratios.push(count / (userSeconds(words) * hertz));
    }
    const ipc = median(ratios);
    const spread = ((ratios.at(-1) as number) - (ratios[0] as number)) / ipc;
    console.log(
      `${words[0]}: ${count} instructions, ${ipc.toFixed(2)} a cycle (spread ${(100 * spread).toFixed(0)} %)`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
