// What the trace tests share: sources cut in chunks, records as plain objects, seeded chance.

import { openTrace } from "../../dist/replay/reader/open.js";
import type { ByteSource, TraceReader } from "../../dist/replay/reader/reader.js";
import { Batch } from "../../dist/replay/record.js";
import { assert } from "../kit.ts";
import type { Access } from "../oracle/lackey.ts";

/** xorshift32: the same numbers for the same seed. */
export function chance(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

// OP of the record, spelled out here and not imported: fetch, load, store and modify by the sizes they serve.
const KIND_OF_OP =
  "fetch fetch load load store store store store store modify modify modify modify modify out in halt";

/** Every record of a trace, with the line it came from where the reader names one. */
export async function drain(trace: TraceReader, batch = new Batch()): Promise<Access[]> {
  const out: Access[] = [];
  while ((await trace.next(batch)) > 0) {
    const view = new DataView(batch.words.buffer, batch.words.byteOffset);
    for (let ordinal = 0; ordinal < batch.length; ordinal++) {
      const op = view.getUint8(16 * ordinal + 12);
      out.push({
        kind: KIND_OF_OP.split(" ")[op]!,
        gva: view.getBigInt64(16 * ordinal, true),
        bytes: view.getUint32(16 * ordinal + 8, true),
        line: Number(/:(\d+)$/.exec(trace.locate(ordinal))?.[1] ?? 0),
      });
    }
  }
  return out;
}

/** Compares record by record: uvu's own comparison of long arrays takes minutes to say that they differ. */
export function same(seen: Access[], expected: Access[], what: string): void {
  const text = (access: Access | undefined): string =>
    access ? `${access.kind} ${access.gva} ${access.bytes} line ${access.line}` : "none";
  for (let index = 0; index < Math.max(seen.length, expected.length); index++) {
    assert.is(text(seen[index]), text(expected[index]), `${what}, record ${index}`);
  }
}

export const batchOf = (records: number): Batch => new Batch(new Uint32Array(records * 4));

export async function read(
  trace: string | Uint8Array,
  { chunk = 1 << 16, batch = new Batch(), name = "trace.txt" } = {},
): Promise<Access[]> {
  const bytes = typeof trace === "string" ? utf8(trace) : trace;
  return drain(await openTrace(chunks(bytes, chunk), name), batch);
}

export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return collect(
    new Blob([bytes as Uint8Array<ArrayBuffer>])
      .stream()
      .pipeThrough(new CompressionStream("gzip")),
  );
}

export async function collect(source: ByteSource): Promise<Uint8Array> {
  return new Uint8Array(await new Response(source as ReadableStream).arrayBuffer());
}

/** A lackey log of accesses and calls, all well-formed, not all of them records. */
export function randomLog(seed: number, lines: number): string {
  const below = chance(seed);
  const hex = (bytes: number): string =>
    Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, "0")).join("");
  const addresses = [
    () => `0${hex(3)}0`,
    () => `1ffe${hex(3)}`,
    () => `7f${hex(4)}00`,
    () => `ffff8${hex(5)}0`.padEnd(16, "0"),
  ];
  const address = (): string => addresses[below(addresses.length)]!();
  const call = (): string => {
    const thread = `SYSCALL[${70 + below(2)},${1 + below(3)}]`;
    const result = ["Success(0x10)", "Success(0x0)", "Failure(0xb)", "Failure(0x4)"][below(4)];
    const [number, head] = CALLS[below(CALLS.length)]!;
    const body = head
      .replace("BUFFER", `0x${address()}`)
      .replace("FUTEX", String(below(14) + 128 * below(2)));
    const inline = [
      `[sync] --> ${result}`,
      ` --> [async] ... `,
      ` --> [async] ... `,
      `\n --> [async] ... `,
    ];
    const later = `${thread}(${number}) ... [async] --> ${result} `;
    const first = `${thread}(${below(2) === 0 ? number : number.padStart(3)}) ${body}${inline[below(4)]}`;
    return first.endsWith("[async] ... ") && below(8) > 0
      ? `${first}\n${between()}${later}`
      : first;
  };
  const access = (): string => {
    const size = below(10) === 0 ? 1 + below(4096) : 1 + below(9);
    return `${["I  ", " L ", " S ", " M "][below(4)]}${address()},${size}`;
  };
  const between = (): string => (below(2) === 0 ? "" : `${access()}\n`);
  const line = (): string => (below(5) > 0 ? access() : below(9) > 0 ? call() : "==70== a remark");
  return `${Array.from({ length: lines }, line).join("\n")}\n`;
}

const CALLS: [string, string][] = [
  ["0", "sys_read ( 3, BUFFER, 4096 )"],
  ["1", "sys_write ( 3, BUFFER, 4096 )"],
  ["7", "sys_poll ( 0x1fff000578, 1, 0 )"],
  ["7", "sys_poll ( 0x1fff000578, 1, 5 )"],
  ["17", "sys_pread64 ( 4, BUFFER, 17, 0 )"],
  ["18", "sys_pwrite64 ( 4, BUFFER, 17, 0 )"],
  ["19", "sys_readv ( 4, 0x1fff000610, 2 )"],
  ["40", "sys_sendfile ( 5, 4, 0x1fff000608, 500 )"],
  ["202", "sys_futex ( 0x10f1a0, FUTEX, 2, 0x0, 0x0 )"],
  ["230", "sys_clock_nanosleep( 0, 0, 0x1fff000500, 0x0 )"],
  ["232", "sys_epoll_wait ( 8, 0x1fff000544, 1, 0 )"],
  ["257", "sys_openat ( 4294967196, 0x10b007(/tmp/x), 578, 420 )"],
  ["328", ""],
];
