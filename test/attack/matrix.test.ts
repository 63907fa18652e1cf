// The protection matrix, against the table of the founding document, and what each cell was decided by.

import { attacks } from "../../dist/attack/attacks.js";
import { type Cell, matrix } from "../../dist/attack/matrix.js";
import { type Generation, generations } from "../../dist/chip/chip.js";
import { withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("the protection matrix");

const all = [...matrix({ seed: 11n, ...withCore })] as Cell[];
const cellOf = (generation: Generation, threat: string) =>
  all.find((cell) => cell.generation === generation && cell.threat === threat) as Cell;

// Hardware Foundations, "The Protection Matrix": from which generation on a threat is stopped.
const stopped: Record<string, Generation> = {
  "dram-read": "sme",
  "host-read-memory": "sev",
  "host-read-registers": "sev-es",
  replay: "sev-snp",
  corruption: "sev-snp",
  aliasing: "sev-snp",
  remapping: "sev-snp",
  // Beyond the document. A register's integrity came with its secrecy; DMA, injection and the ASID with the RMP or the VMSA.
  "host-write-registers": "sev-es",
  "dma-private": "sev-snp",
  injection: "sev-snp",
  "asid-swap": "sev-es",
};

test("each attack is stopped from the generation on that the document says", () => {
  for (const [threat, first] of Object.entries(stopped)) {
    for (const generation of generations) {
      const expected = generations.indexOf(generation) >= generations.indexOf(first);
      assert.is(cellOf(generation, threat).protected, expected, `${generation}/${threat}`);
    }
  }
});

test("replay on the memory chips works in every generation, for the RMP is not asked there", () => {
  for (const generation of generations) {
    const cell = cellOf(generation, "dram-replay");
    assert.equal([cell.protected, cell.got], [false, "stale data"], generation);
  }
});

test("every cell was run: one for each generation and attack, with what happened on the way", () => {
  assert.is(all.length, generations.length * attacks.length);
  for (const cell of all) {
    assert.ok(cell.events.length >= 2, `${cell.generation}/${cell.threat}`);
    assert.ok(cell.via.length > 0);
  }
});

test("what an unprotected guest loses is what the attack is about", () => {
  assert.is(cellOf("none", "dram-read").got, "plaintext");
  assert.is(cellOf("sev", "asid-swap").got, "plaintext");
  assert.is(cellOf("sev-es", "replay").got, "stale data");
  assert.is(cellOf("sev-es", "remapping").got, "other data");
  assert.is(cellOf("sev", "host-write-registers").got, "altered register");
  assert.is(cellOf("sev-es", "injection").got, "routine ran");
});

test("SEV-SNP stops each with the hardware's own answer", () => {
  const via: [string, RegExp][] = [
    ["replay", /^#VC 0x404/],
    ["corruption", /^#VC 0x404/],
    ["aliasing", /VMEXIT_NPF .* RMP/],
    ["remapping", /^#VC 0x404/],
    ["dma-private", /RMP_PAGE_FAULT/],
    ["injection", /VMEXIT_INVALID/],
    ["asid-swap", /VMEXIT_INVALID/],
    ["host-write-registers", /VMEXIT_INVALID/],
  ];
  for (const [threat, pattern] of via) assert.match(cellOf("sev-snp", threat).via, pattern);
});

test("another seed changes the secrets and nothing else", () => {
  const verdicts = (cells: Cell[]) =>
    cells.map(({ threat, got, protected: kept }) => [threat, got, kept]);
  const again = [...matrix({ seed: 12n, generations: ["sev-snp"], ...withCore })] as Cell[];
  assert.equal(verdicts(again), verdicts(all.filter((cell) => cell.generation === "sev-snp")));
});

test("a part without a generation says so, and runs the others", () => {
  const cells = [...matrix({ chip: "rome", attacks: attacks.slice(0, 1), ...withCore })];
  const refused = cells.filter((cell) => "refused" in cell);
  assert.equal(
    refused.map((cell) => cell.generation),
    ["sev-snp", "sev-tio"],
  );
  assert.is(cells.length, refused.length + 4);
});
