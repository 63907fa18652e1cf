// The protection matrix, against the table of the founding document, and what each cell was decided by.

import type { TioAttack } from "../../dist/attack/attack.js";
import { isFor } from "../../dist/attack/attack.js";
import { attacks } from "../../dist/attack/attacks.js";
import { type Cell, matrix, runAttack } from "../../dist/attack/matrix.js";
import { type Generation, generations } from "../../dist/chip/chip.js";
import { Disk } from "../../dist/device/disk.js";
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
  const cells = generations.flatMap((generation) =>
    attacks.filter((one) => isFor(one, generation)),
  );
  assert.is(all.length, cells.length);
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

// Trusted I/O: what the guest is left with, and the hardware's own answer.
const trusted: [threat: string, got: string, via: RegExp][] = [
  ["tio-swapped-bar", "fault", /ERROR/],
  ["tio-wrong-bdf", "nothing", /ILLEGAL_DEV_TABLE_ENTRY for device 0101/],
  ["tio-replayed-lock", "fault", /CONFIG_UNLOCKED/],
  ["tio-device-replaced", "fault", /CONFIG_UNLOCKED/],
  ["tio-mmio-remap", "fault", /^VMEXIT_NPF .* RMP/],
  ["tio-dma-other-guest", "nothing", /RMP_PAGE_FAULT for device 0200/],
  ["tio-stale-sdte", "fault", /RMP_PAGE_FAULT for device 0101/],
  ["tio-reset", "fault", /ERROR/],
  ["tio-unbind-in-flight", "fault", /ILLEGAL_DEV_TABLE_ENTRY for device 0101/],
  ["tio-wire-read", "nothing", /RUN/],
  ["tio-wire-alter", "fault", /ERROR/],
  ["tio-wire-replay", "fault", /ERROR/],
  ["tio-wire-drop", "fault", /ERROR/],
  ["tio-wire-reorder", "fault", /ERROR/],
  ["tio-wire-inject", "fault", /RMP_PAGE_FAULT/],
];

test("a hostile host and a hostile interposer get nothing in or out of a guest with an interface of its own", () => {
  assert.equal(
    trusted.map(([threat]) => threat),
    attacks.map(({ threat }) => threat).filter((threat) => threat.startsWith("tio-")),
  );
  for (const [threat, got, via] of trusted) {
    const cell = cellOf("sev-tio", threat);
    assert.equal([cell.protected, cell.got], [true, got], threat);
    assert.match(cell.via, via, threat);
  }
});

test("an attack that needs an interface is for sev-tio alone, and one that succeeds says so", () => {
  const attack = attacks.find(({ threat }) => threat === "tio-reset")!;
  assert.throws(
    () => runAttack(attack, "sev-snp", { chip: "turin", seed: 1n, ...withCore }),
    /sev-tio/,
  );
  // The interposer of a link whose keys he had: the data in the clear are the guest's secret, and it is found.
  const told: TioAttack = {
    threat: "tio-told",
    title: "the disk itself tells",
    tio(scene) {
      const disk = new Map<number, Uint8Array>();
      scene.unbind();
      scene.disconnect();
      scene.plug({
        behaviour: (dma) =>
          new Disk(dma, { bytes: 0x8000, read: () => {}, write: (at, from) => disk.set(at, from) }),
        vfs: 1,
      });
      scene.accept();
      scene.guestWrites();
      scene.heard.push(...disk.values());
      return scene.outcome();
    },
  };
  const cell = runAttack(told, "sev-tio", { chip: "turin", seed: 1n, ...withCore });
  assert.equal([cell.protected, cell.got], [false, "plaintext"]);
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
