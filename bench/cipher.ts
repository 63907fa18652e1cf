// The memory engine's cipher over pages and lines, against OpenSSL with and without AES instructions and node:crypto.
import { type Cipher, createCipheriv } from "node:crypto";
import type { Silicon } from "../dist/core/silicon.js";
import type { Figure } from "./figure.ts";
import { against, interleaved, type Measured, type Task } from "./measure.ts";
import { digest, type Native, native, same, WITHOUT_AES } from "./native.ts";
import { EVERY_LINE, engine, FROM, KEY, PAGE, PLAIN, TO } from "./pages.ts";

const LINE = 64;
const PAGES = 400;
const LINES = 16000;

/** What a task left in memory when it last ran, by its name. */
const left = new Map<string, () => string>();

/** Pages and lines in the engine; a page's number is its data unit, as in the peers. */
function ours(mode: "xex" | "xts"): Task[] {
  type Act = (exports: Silicon["exports"], index: number) => void;
  const task = (name: string, times: number, bytes: number, act: Act): Task => {
    const made = engine(mode);
    left.set(name, () => digest(made.bytes.subarray(TO, TO + bytes)));
    const run = () => {
      for (let index = 0; index < times; index++) act(made.exports, index);
    };
    return { name, units: times * bytes, run };
  };
  const pages = (way: string, act: Act) => task(`page-${mode}-${way}`, PAGES, PAGE, act);
  const lines = (way: string, act: Act) => task(`line-${mode}-${way}`, LINES, LINE, act);
  const whole = [
    pages("encrypt", (exports, page) => exports.encryptLines(page, 1, EVERY_LINE, FROM, TO)),
    pages("decrypt", (exports, page) => exports.decryptPage(page, 1, FROM, TO)),
  ];
  if (mode === "xts") return whole;
  return [
    ...whole,
    lines("encrypt", (exports, line) => exports.encryptLine(5, 1, line & 63, FROM, TO)),
    lines("decrypt", (exports, line) => exports.decryptLine(5, 1, line & 63, FROM, TO)),
  ];
}

function openssl(peer: Native | undefined, suffix: string): Task[] {
  if (!peer) return [];
  const task = (name: string, bytes: number, times: number): Task => ({
    name: `OpenSSL ${suffix}, ${name}`,
    units: bytes * times,
    async run() {
      const { seconds, words } = await peer.ask(`${name} ${times}`);
      left.set(`${suffix} ${name}`, () => words[0] as string);
      return seconds;
    },
  });
  return [
    task("page-encrypt", PAGE, PAGES),
    task("page-decrypt", PAGE, PAGES),
    task("line-encrypt", LINE, LINES),
    task("line-decrypt", LINE, LINES),
  ];
}

const NODE_LINES = LINES / 20;

/** What a Node user would write: a cipher for each line. Deno and Bun have no such cipher. */
function nodeCrypto(): Task[] {
  const unit = new Uint8Array(16);
  const line = PLAIN.subarray(0, LINE);
  const make = (): Cipher => createCipheriv("aes-128-xts", KEY, unit);
  try {
    make();
  } catch {
    process.stderr.write("SKIPPED: line-xex-node: this runtime's node:crypto has no aes-128-xts\n");
    return [];
  }
  const run = () => {
    for (let i = 0; i < NODE_LINES; i++) make().update(line);
  };
  return [{ name: "node:crypto aes-128-xts, a line each", units: NODE_LINES * LINE, run }];
}

const WITHOUT = "without AES instructions";
const WITH = "with AES instructions";

// A figure, and the peer it is set against.
const figures: [string, string, string][] = [
  ["page-xts-encrypt", "page-xts-encrypt", `OpenSSL ${WITHOUT}, page-encrypt`],
  ["page-xts-decrypt", "page-xts-decrypt", `OpenSSL ${WITHOUT}, page-decrypt`],
  ["page-xex-encrypt", "page-xex-encrypt", `OpenSSL ${WITHOUT}, page-encrypt`],
  ["page-xex-decrypt", "page-xex-decrypt", `OpenSSL ${WITHOUT}, page-decrypt`],
  ["line-xex-openssl", "line-xex-encrypt", `OpenSSL ${WITHOUT}, line-encrypt`],
  ["line-xex-openssl-decrypt", "line-xex-decrypt", `OpenSSL ${WITHOUT}, line-decrypt`],
  ["line-xex-node", "line-xex-encrypt", "node:crypto aes-128-xts, a line each"],
  ["page-xts-aes-instructions", "page-xts-encrypt", `OpenSSL ${WITH}, page-encrypt`],
  ["line-xex-aes-instructions", "line-xex-encrypt", `OpenSSL ${WITH}, line-encrypt`],
];

/** Bytes a second of the engine in both modes, both ways. XTS must give OpenSSL's bytes. */
export async function cipherFigures(quick: boolean): Promise<Figure[]> {
  const libraries = ["crypto", "pthread"];
  const peers = [
    native("cipher", { libraries, env: WITHOUT_AES }),
    native("cipher", { libraries }),
  ];
  const theirs = [...openssl(peers[0], WITHOUT), ...openssl(peers[1], WITH)];
  const tasks = [...ours("xts"), ...ours("xex"), ...theirs, ...nodeCrypto()];
  const measured = await interleaved(tasks, quick ? 5 : 41);
  for (const peer of peers) peer?.stop();
  if (theirs.length > 0)
    for (const way of ["encrypt", "decrypt"])
      for (const suffix of [WITHOUT, WITH])
        same(
          `page-xts-${way}`,
          left.get(`page-xts-${way}`)!(),
          left.get(`${suffix} page-${way}`)!(),
        );
  const row = (name: string): Measured | undefined => measured.find((each) => each.name === name);
  return figures.flatMap(([name, task, peer]) => {
    const beside = row(peer);
    return beside ? [against(name, "bytes/s", row(task) as Measured, beside)] : [];
  });
}
