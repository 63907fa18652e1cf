// The shipped trace as lackey text, as long as a benchmark wants it.
import { createReadStream } from "node:fs";
import { openTrace } from "../dist/index.js";
import { Batch, kindOf } from "../dist/replay/record.js";

const TRACE = "examples/traces/gzip.cltr.gz";
const LETTERS = ["I ", " L", " S", " M"];

/** The shipped trace's fetches, loads, stores and modifies as lackey text, over and over, `lines` in all. */
export async function* lackeyText(lines: number): AsyncGenerator<string> {
  let left = lines;
  while (left > 0) {
    const trace = await openTrace(createReadStream(TRACE), TRACE);
    const batch = new Batch();
    for (
      let length = await trace.next(batch);
      length > 0 && left > 0;
      length = await trace.next(batch)
    ) {
      const text: string[] = [];
      for (let i = 0; i < length && left > 0; i++) {
        const line = lineOf(batch.words, 4 * i);
        if (!line) continue;
        text.push(line);
        left--;
      }
      yield text.join("");
    }
    await trace.close();
  }
}

function lineOf(words: Uint32Array, word: number): string | undefined {
  const letter = LETTERS[kindOf((words[word + 3] as number) & 0xff)];
  if (!letter) return undefined;
  const gva = (words[word + 1] as number) * 2 ** 32 + (words[word] as number);
  return `${letter} ${gva.toString(16).padStart(8, "0")},${words[word + 2]}\n`;
}
