// The certificate table behind an extended report. GHCB specification (AMD 56421), 4.1.8.1.
import * as Layout from "../abi/certificate-table.ts";
import * as Report from "../abi/report.ts";
import { concat, hex, isZero, unhex } from "./bytes.ts";
import { Refusal } from "./code.ts";

export type Entry = "VCEK" | "VLEK" | "ASK" | "ASVK" | "ARK" | "CRL" | string;

/** By GUID. An ASVK has no GUID of its own: it stands where the ASK would. */
const guids: Record<string, string> = {
  VCEK: "63da758d-e664-4564-adc5-f4b93be8accd",
  VLEK: "a8074bc2-a25a-483e-aae6-39c045a0b8a1",
  ASK: "4ab7b379-bbac-4fe4-a02f-05aef327c782",
  ARK: "c0b406a4-a803-4952-9743-3fb6014cd0ae",
  CRL: "92f81bc3-5811-4d3d-97ff-d19f88dc67ea",
};

const guidBytes = (guid: string) => unhex(guid.replaceAll("-", "")) as Uint8Array;

function nameOf(guid: Uint8Array): Entry {
  const text = hex(guid);
  const known = Object.entries(guids).find(([, one]) => one.replaceAll("-", "") === text);
  return known?.[0] ?? text;
}

const wrong = (what: string) => new Refusal("TABLE_MALFORMED", what);

/** Certificates by name. The head ends with an all-zero entry; data may lie in any order behind it. */
export function parseTable(given: Uint8Array): Map<Entry, Uint8Array> {
  const bytes = Uint8Array.from(given);
  const entries: { name: Entry; start: number; length: number }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; ; at += Layout.SIZE) {
    if (at + Layout.SIZE > bytes.length) throw wrong("it ends before its all-zero entry");
    const head = bytes.subarray(at, at + Layout.SIZE);
    if (isZero(head)) break;
    entries.push({
      name: nameOf(head.subarray(Layout.GUID, Layout.OFFSET)),
      start: view.getUint32(at + Layout.OFFSET, true),
      length: view.getUint32(at + Layout.LENGTH, true),
    });
  }
  const headEnd = (entries.length + 1) * Layout.SIZE;
  const table = new Map<Entry, Uint8Array>();
  for (const { name, start, length } of entries) {
    if (table.has(name)) throw wrong(`entry ${name} twice`);
    if (start < headEnd || start + length > bytes.length) {
      throw wrong(`entry ${name}: ${length} bytes at ${start}, the table has ${bytes.length}`);
    }
    table.set(name, bytes.slice(start, start + length));
  }
  return table;
}

/** The table's bytes. Entries with a name that has no GUID must be the 32 digits of one. */
export function composeTable(entries: ReadonlyMap<Entry, Uint8Array>): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array((entries.size + 1) * Layout.SIZE);
  const view = new DataView(head.buffer);
  const data: Uint8Array[] = [];
  let start = head.length;
  [...entries].forEach(([name, bytes], i) => {
    const guid = guids[name === "ASVK" ? "ASK" : name] ?? name;
    head.set(guidBytes(guid), i * Layout.SIZE + Layout.GUID);
    view.setUint32(i * Layout.SIZE + Layout.OFFSET, start, true);
    view.setUint32(i * Layout.SIZE + Layout.LENGTH, bytes.length, true);
    data.push(bytes);
    start += bytes.length;
  });
  return concat(head, ...data);
}

/** A report alone, or one with its table behind it, as the extended guest request returns them. */
export function splitExtended(bytes: Uint8Array): {
  report: Uint8Array;
  table: Map<Entry, Uint8Array>;
} {
  const report = bytes.subarray(0, Report.SIZE);
  const rest = bytes.subarray(Report.SIZE);
  return { report, table: rest.length === 0 ? new Map() : parseTable(rest) };
}
