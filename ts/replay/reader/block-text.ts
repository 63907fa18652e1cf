// Block I/O as text: fio's iolog and blkparse. Each request is one transfer; where its buffer lay neither says.

import type { Batch, Kind } from "../record.ts";
import * as Records from "../record.ts";
import { type Fault, type Grammar, LINE_RECORDS, shown } from "./lines.ts";

const SECTOR = 512;

/** A transfer to or from the scratch buffer, in pieces of at most 2^31 bytes. */
function transfer(out: Batch, kind: Kind, bytes: number, at: number): Fault | undefined {
  const most = Records.TRANSFER_LIMIT;
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > most * LINE_RECORDS)
    return { at, seen: `${bytes} bytes`, expected: `1 to ${most * LINE_RECORDS}` };
  for (let left = bytes; left > 0; left -= most) {
    const high = Math.floor(Records.SCRATCH / 2 ** 32);
    const piece = Math.min(left, most);
    out.push(Records.SCRATCH >>> 0, high, piece, Records.operation(kind, piece));
  }
  return undefined;
}

const HEADER = /^fio version ([23]) iolog\s*$/;
const FILE_ACTIONS = ["add", "open", "close"];
// What moves no byte of a buffer.
const EMPTY = ["sync", "datasync", "sync_file_range", "trim"];

/** fio HOWTO, "Trace file format v2" and "v3": FILE ACTION [OFFSET LENGTH], in v3 behind a timestamp. */
export class FioLog implements Grammar {
  readonly format = "fio";
  #version = 0;

  line(text: string, out: Batch): Fault | undefined {
    if (this.#version === 0) {
      this.#version = Number(HEADER.exec(text)?.[1] ?? 0);
      if (this.#version !== 0) return undefined;
      return { at: 0, seen: shown(text), expected: '"fio version 2 iolog" or 3' };
    }
    if (text.trim() === "") return undefined;
    const words = text.trim().split(/\s+/);
    if (this.#version === 3 && !/^\d+$/.test(words.shift() ?? ""))
      return { at: 0, seen: shown(text), expected: "a timestamp, as version 3 has" };
    const [file, action = "", offset, length] = words;
    const at = Math.max(0, text.indexOf(action));
    if (words.length === 2 && FILE_ACTIONS.includes(action)) return undefined;
    const numbered = /^\d+$/.test(offset ?? "") && /^\d+$/.test(length ?? "");
    if (!file || words.length !== 4 || !numbered)
      return { at, seen: shown(text), expected: "FILE ACTION, or FILE ACTION OFFSET LENGTH" };
    if (EMPTY.includes(action)) return undefined;
    if (action === "wait") {
      out.push(0, 0, 0, Records.operation(Records.HALT, 0));
      return undefined;
    }
    if (action === "read") return transfer(out, Records.TRANSFER_IN, Number(length), at);
    if (action === "write") return transfer(out, Records.TRANSFER_OUT, Number(length), at);
    const known = [...FILE_ACTIONS, "read", "write", "wait", ...EMPTY].join(", ");
    return { at, seen: shown(action), expected: `one of ${known}` };
  }
}

// blkparse(1), default format: device, cpu, sequence, seconds, pid, action, RWBS, and for most actions "SECTOR + COUNT [process]".
const EVENT = /^ *\d+,\d+ +\d+ +\d+ +\d+\.\d+ +\d+ +([A-Z]{1,2}) +([A-Z]+|\?)\b(.*)$/;
const EXTENT = /^ +(\d+) \+ (\d+) /;
const SUMMARY = /^(?:CPU\d+|Total) \(/;
const ISSUED = "D";

/** A request is a transfer when it is issued to the driver (action D); merges and queueing have happened by then. */
export class Blkparse implements Grammar {
  readonly format = "blkparse";
  #summary = false;

  line(text: string, out: Batch): Fault | undefined {
    if (SUMMARY.test(text)) this.#summary = true;
    if (this.#summary || text.trim() === "") return undefined;
    const [, action, rwbs, rest] = EVENT.exec(text) ?? [];
    // Messages and process notes have no RWBS that means something.
    if (action === undefined && /^ *\d+,\d+ +\d+ +\d+ +\d+\.\d+ +\d+ +(m|C|P|U|UT)\b/.test(text))
      return undefined;
    if (action === undefined || rwbs === undefined)
      return {
        at: 0,
        seen: shown(text),
        expected: "blkparse's MAJOR,MINOR CPU SEQUENCE TIME PID ACTION RWBS",
      };
    if (action !== ISSUED) return undefined;
    const writes = rwbs.includes("W");
    // A flush and a discard move nothing.
    if (rwbs.includes("D") || (!writes && !rwbs.includes("R"))) return undefined;
    const extent = EXTENT.exec(`${rest} `);
    const at = text.length - (rest?.length ?? 0);
    if (!extent) {
      // "FWS 0 [process]": a flush that carries no data.
      if (rwbs.startsWith("F")) return undefined;
      return { at, seen: shown(rest ?? ""), expected: "SECTOR + COUNT" };
    }
    if (Number(extent[2]) === 0) return undefined;
    const kind = writes ? Records.TRANSFER_OUT : Records.TRANSFER_IN;
    return transfer(out, kind, Number(extent[2]) * SECTOR, at);
  }
}
