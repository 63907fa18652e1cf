// Reads what Pin's example tool pinatrace writes: "0xIP: R 0xADDRESS", or W. Pin User Guide, "Memory Reference Trace".
import * as Records from "../record.ts";
import { access, type Fault, type Grammar, shown } from "./lines.ts";

const LINE =
  /^(0x[0-9a-f]+|[0-9a-f]+): ([RW]) +(0x[0-9a-f]+|[0-9a-f]+|\(nil\))(?: +(\d+))?(?: .*)?$/i;
// The tool writes no sizes; variants of it add one behind the address.
const BYTES = 8;

export class Pinatrace implements Grammar {
  readonly format = "pinatrace";
  #instruction = "";
  #ended = false;

  line(text: string, out: Records.Batch): Fault | undefined {
    if (text === "#eof") this.#ended = true;
    if (text === "" || text.startsWith("#")) return undefined;
    if (this.#ended) return { at: 0, seen: shown(text), expected: "nothing after #eof" };
    const [, ip, direction, digits, size] = LINE.exec(text) ?? [];
    if (!ip || !digits) return { at: 0, seen: shown(text), expected: '"0xIP: R|W 0xADDRESS"' };
    const bytes = size ? Number(size) : BYTES;
    if (bytes < 1 || bytes > Records.ACCESS_LIMIT)
      return {
        at: text.lastIndexOf(size ?? ""),
        seen: `size ${size}`,
        expected: `1 to ${Records.ACCESS_LIMIT}`,
      };
    // One instruction may read and write: its lines follow each other. How long it is the trace does not say.
    const fetched = ip === this.#instruction ? undefined : access(out, Records.FETCH, ip, 1);
    this.#instruction = ip;
    if (fetched) return fetched;
    const kind = direction?.toUpperCase() === "W" ? Records.STORE : Records.LOAD;
    const address = digits === "(nil)" ? "0" : digits;
    return access(out, kind, address, bytes, { at: text.indexOf(digits, ip.length) });
  }
}
