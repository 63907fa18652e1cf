// A user's program, the same in every runtime: a tiny trace through the six generations. Prints one line: DIGEST digest.
import { openTrace, replay } from "cloister";

const LINES = 3000;
const PAGES = 23;

/** Valgrind lackey lines over a few pages: instructions, loads, stores and modifies of every size. */
function lackey() {
  const lines = [];
  for (let i = 0; i < LINES; i++) {
    const gva = 0x4000_0000 + (i % PAGES) * 0x1000 + ((i * 40) & 0xfc0);
    const kind = ["I ", " L", " S", " M"][i % 4];
    lines.push(`${kind} ${gva.toString(16).padStart(8, "0")},${1 << (i % 5)}\n`);
  }
  return new TextEncoder().encode(lines.join(""));
}

async function* source() {
  yield lackey();
}

async function digestOf() {
  const trace = await openTrace(source(), "tiny.lackey");
  const report = await replay(trace, { resident: 128 * 2 ** 20 });
  const digests = report.generations.map(({ generation, digest }) => {
    if (!digest) throw new Error(`${generation}: no digest`);
    return digest;
  });
  if (report.trace.records !== LINES) throw new Error(`${report.trace.records} records`);
  if (digests.length !== 6) throw new Error(`${digests.length} generations, expected 6`);
  if (new Set(digests).size !== 1) throw new Error(`generations differ: ${digests.join(" ")}`);
  return digests[0];
}

digestOf().then(
  (digest) => {
    console.log(`DIGEST ${digest}`);
    if (globalThis.document) globalThis.document.title = `DIGEST ${digest}`;
  },
  (error) => {
    console.log(`ERROR ${error.stack ?? error}`);
    if (globalThis.document) globalThis.document.title = `ERROR ${error}`;
    if (globalThis.process) globalThis.process.exitCode = 1;
  },
);
