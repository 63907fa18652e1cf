// The memory engine's cipher over one 4 KiB page, against node:crypto's aes-128-xts on the same page.
import { createCipheriv } from "node:crypto";
import * as Memory from "../dist/abi/memory.js";
import { silicon, startMachine } from "../dist/silicon.js";
import type { Figure } from "./figure.ts";
import { interleaved, type Task } from "./measure.ts";

const PAGE = 0x1000;
const PAGES = 200;
const EVERY_LINE = 0xffff_ffff_ffff_ffffn;

/** An instance whose slot 1 holds a key, and a page at two places of its window. */
function engine(cipher: "xex" | "xts") {
  const made = silicon(64 << 20);
  startMachine(made, {
    dram: 1n << 30n,
    resident: 64 << 20,
    cipher,
    tweaks: new Uint8Array(1024).map((_, i) => (i * 7 + 1) & 0xff),
    cBit: 51,
    addressBits: 46,
    snp: false,
    vmplFull: 15,
    cacheWarp: false,
  });
  made.exports.installKey(1, Memory.WINDOW, Memory.WINDOW + 16);
  return made.exports;
}

/** Pages a second of the engine in both modes, both ways. */
export async function cipherFigures(quick: boolean): Promise<Figure[]> {
  const from = Memory.WINDOW;
  const to = Memory.WINDOW + PAGE;
  const repeated = (name: string, act: () => void): Task => ({
    name,
    units: PAGES * PAGE,
    run() {
      for (let i = 0; i < PAGES; i++) act();
    },
  });
  const tasks = (["xex", "xts"] as const).flatMap((mode) => {
    const exports = engine(mode);
    return [
      repeated(`page-${mode}-encrypt`, () => exports.encryptLines(5, 1, EVERY_LINE, from, to)),
      repeated(`page-${mode}-decrypt`, () => exports.decryptPage(5, 1, from, to)),
    ];
  });
  const key = new Uint8Array(32).map((_, i) => i);
  const page = new Uint8Array(PAGE);
  const unit = new Uint8Array(16);
  const peer = repeated("node:crypto aes-128-xts", () => {
    createCipheriv("aes-128-xts", key, unit).update(page);
  });
  const measured = await interleaved([peer, ...tasks], quick ? 3 : 15);
  const [base, ...rows] = measured as [Measured, ...Measured[]];
  return rows.map(({ name, rate, spread }) => {
    const ratio = rate / base.rate;
    return {
      name,
      value: rate,
      unit: "bytes/s",
      peer: base.name,
      peerValue: base.rate,
      ratio,
      spread,
    };
  });
}

type Measured = Awaited<ReturnType<typeof interleaved>>[number];
