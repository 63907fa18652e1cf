// The whole job: lackey text through all six generations, parsing included, in a process of its own whose memory is watched.
import { spawn } from "node:child_process";
import type { Figure } from "./figure.ts";
import { lackeyText } from "./lackey.ts";

interface Whole {
  seconds: number;
  residentKiB: number;
}

/** Runs `cloister replay -` on so many lines. Time and peak memory are the process's own. */
async function whole(lines: number): Promise<Whole> {
  const before = performance.now();
  const script = `
    process.argv = [process.argv[0], "cloister", "replay", "-", "--json"];
    process.on("exit", () => process.stderr.write("RSS " + process.resourceUsage().maxRSS + "\\n"));
    await import("./dist/cli/main.js");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let heard = "";
  child.stderr.on("data", (data: Buffer) => {
    heard += data;
  });
  const ended = new Promise<number | null>((done) => child.on("close", done));
  for await (const text of lackeyText(lines)) {
    if (!child.stdin.write(text))
      await new Promise((drained) => child.stdin.once("drain", drained));
  }
  child.stdin.end();
  const code = await ended;
  const rss = /RSS (\d+)/.exec(heard)?.[1];
  if (code !== 0 || !rss) throw new Error(`cloister replay: exit code ${code}: ${heard}`);
  return { seconds: (performance.now() - before) / 1000, residentKiB: Number(rss) };
}

/** Lines a second through all six generations, and the growth of memory when the trace is four times as long. */
export async function wholeFigures(quick: boolean): Promise<Figure[]> {
  const lines = quick ? 400_000 : 10_000_000;
  const short = await whole(lines / 4);
  const long = await whole(lines);
  return [
    {
      name: "lackey-six-generations",
      value: lines / long.seconds,
      unit: "lines/s, parsing and the writing of the text included",
      peer: `${lines} lines in 20 s`,
      peerValue: lines / 20,
      ratio: 20 / long.seconds,
      spread: 0,
    },
    {
      name: "memory-by-length",
      value: long.residentKiB,
      unit: `KiB at most with ${lines} lines`,
      peer: `${lines / 4} lines`,
      peerValue: short.residentKiB,
      ratio: long.residentKiB / short.residentKiB,
      spread: 0,
    },
  ];
}
