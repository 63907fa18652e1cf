// What is lost, against the field guide's "What You Actually Lose", and what each attempt was refused with.
import { decryptPage, noDebug } from "../../dist/attack/debugger.js";
import { DATA, imageOf } from "../../dist/attack/loss/plain-guest.js";
import { type LossCell, losses, tryLosses } from "../../dist/attack/losses.js";
import { Scene } from "../../dist/attack/scene.js";
import { type Generation, generations } from "../../dist/chip/chip.js";
import { withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("losses");

const all = [...tryLosses({ seed: 3n, ...withCore })] as LossCell[];
const cellOf = (generation: Generation, loss: string) =>
  all.find((cell) => cell.generation === generation && cell.loss === loss) as LossCell;

// The guide says it of SEV-SNP. The first generation that loses it is what each was built for.
const lostFrom: Record<string, Generation> = {
  "nested-virtualization": "sev-es",
  ksm: "sev",
  introspection: "sev",
  "debug-registers": "sev-es",
  "memory-hotplug": "sev-snp",
  "cpu-hotplug": "sev-es",
  overcommit: "sev",
};

test("SEV-SNP has lost all that the guide says, plain memory and SME nothing, and the steps between what they encrypt", () => {
  assert.equal(
    losses.map(({ loss }) => loss),
    Object.keys(lostFrom),
  );
  for (const [loss, first] of Object.entries(lostFrom)) {
    for (const generation of generations) {
      const works = generations.indexOf(generation) < generations.indexOf(first);
      assert.is(cellOf(generation, loss).works, works, `${generation}/${loss}`);
    }
  }
});

test("each refusal has the hardware's or the firmware's own reason", () => {
  const reasons: [Generation, string, RegExp][] = [
    ["sev-snp", "nested-virtualization", /VMEXIT_INVALID; with a VMSA .*: VMEXIT_INVALID/],
    ["sev", "ksm", /256 of 256 blocks differ; .* altered data/],
    ["sev-snp", "ksm", /256 of 256 blocks differ; .* VMEXIT_NPF .* RMP/],
    ["sev-snp", "introspection", /POLICY_FAILURE/],
    ["sev-snp", "debug-registers", /POLICY_FAILURE; the guest's DR7 is 0x400/],
    ["sev-snp", "memory-hotplug", /#VC 0x404/],
    ["sev-snp", "cpu-hotplug", /INVALID_GUEST_STATE; .* VMEXIT_INVALID/],
    ["sev-snp", "overcommit", /#VC 0x404/],
    ["sev-es", "overcommit", /the guest read it and went on/],
  ];
  for (const [generation, loss, pattern] of reasons)
    assert.match(cellOf(generation, loss).via, pattern, `${generation}/${loss}`);
  assert.is(cellOf("sev", "introspection").got, "registers only");
  assert.is(cellOf("sev-es", "introspection").got, "nothing");
});

test("the firmware's debugger reads a guest whose policy allows it, and no other", () => {
  const secret = new TextEncoder().encode("a variable");
  for (const [generation, open] of [
    ["sev", 0n],
    ["sev-es", 4n],
    ["sev-snp", 0xb0000n],
  ] as const) {
    const scene = new Scene(generation, { chip: "milan", seed: 1n, ...withCore });
    const read = (policy: bigint | undefined) => {
      const program = imageOf(function* (cpu) {
        if (cpu.features.snp) yield* cpu.pvalidate(DATA, false, true);
        yield* cpu.write(DATA, secret);
      });
      const vm = scene.createVm(program, { launch: { policy } });
      scene.run(vm);
      const page = decryptPage(scene, vm, scene.spaOf(DATA, vm));
      return typeof page === "string" ? page : new TextDecoder().decode(page.subarray(0, 10));
    };
    assert.is(read(open), "a variable", generation);
    assert.is(read(noDebug(scene)), "POLICY_FAILURE", generation);
  }
});

test("a part without a generation says so, and tries the others", () => {
  const cells = [...tryLosses({ chip: "naples", losses: losses.slice(0, 1), ...withCore })];
  assert.equal(
    cells.filter((cell) => "refused" in cell).map(({ generation }) => generation),
    ["sev-es", "sev-snp", "sev-tio"],
  );
  assert.is(cells.length, 6);
});
