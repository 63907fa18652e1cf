// The RMP check against its slow twin: the whole truth table of guests' and the host's accesses. Spec digest rmp.md 5.
import * as Code from "../../ts/abi/exit.ts";
import type { Exit } from "../../ts/port.ts";
import { hex, LARGE, MIB, OPEN, PAGE, pattern, readAll } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { Lab } from "../lab.ts";
import { type Access, type Entry, hypervisor, Rmp, raw } from "../oracle/rmp.ts";

const test = suite("RMP check");

const OTHER = 2;
const INDEX = 5n;
const GVA = 0x7000_0000n;
const DRAM = 0x800_0000n;

// The states of rmp.md 3. `own` marks those that name a guest.
const states: [string, Partial<Entry>, boolean][] = [
  ["Hypervisor", {}, false],
  ["HV-Fixed", { immutable: true }, false],
  ["Firmware", { assigned: true, immutable: true }, false],
  ["Reclaim", { assigned: true }, false],
  ["Context", { assigned: true, immutable: true, vmsa: true }, false],
  ["Pre-Guest", { assigned: true, immutable: true }, true],
  ["Pre-Swap", { assigned: true, immutable: true, validated: true }, true],
  ["Guest-Invalid", { assigned: true }, true],
  ["Guest-Valid", { assigned: true, validated: true }, true],
  ["VMSA", { assigned: true, validated: true, vmsa: true }, true],
  ["VMSA in use", { assigned: true, validated: true, vmsa: true, locked: true }, true],
  ["unassigned, but a guest's in all else", { validated: true }, true],
];

const accesses: [Access, 0 | 3][] = [
  ["read", 0],
  ["read", 3],
  ["write", 3],
  ["fetch", 3],
  ["fetch", 0],
];

/** A guest with one region mapped 4 KiB by 4 KiB and one mapped 2 MiB, each private at GVA and shared 2 MiB above. */
function board() {
  const lab = new Lab({ generation: "sev-snp", chip: "milan", dram: DRAM });
  const oracle = new Rmp(Number(DRAM / PAGE), 0xf);
  const regions = [false, true].map((nestedLarge, i) => {
    const gpa = 0x2000_0000n + BigInt(i) * LARGE;
    const spa = lab.large();
    if (nestedLarge) lab.nest(gpa, spa, OPEN, true);
    else for (let page = 0n; page < 16n; page++) lab.nest(gpa + page * PAGE, spa + page * PAGE);
    const gva = GVA + BigInt(i) * 0x1000_0000n;
    for (let page = 0n; page < 16n; page++) {
      lab.map(gva + page * PAGE, (gpa + page * PAGE) | OPEN | lab.cBit);
      lab.map(gva + LARGE + page * PAGE, (gpa + page * PAGE) | OPEN);
    }
    return { nestedLarge, gpa, spa, gva };
  });
  const set = (spa: bigint, entry: Entry) => {
    oracle.entries.set(Number(spa / PAGE), entry);
    const { low, high } = raw(entry);
    assert.ok(lab.core.firmware.setRmp(spa, low, high));
  };
  return { lab, oracle, regions, set };
}

type Board = ReturnType<typeof board>;

/** What the guest meets: undefined for success, "#VC", or the error code of an #NPF. */
function outcome(seen: Uint8Array | true | Exit, gva: bigint, gpa: bigint) {
  if (seen === true || seen instanceof Uint8Array) return undefined;
  assert.is(seen.gva, gva);
  if (seen.kind === Code.EXCEPTION) {
    assert.equal([seen.code, seen.info1, seen.info2], [BigInt(Code.VC), 0x404n, gva]);
    return "#VC";
  }
  assert.equal([seen.kind, seen.code, seen.info2], [Code.VMEXIT, BigInt(Code.VMEXIT_NPF), gpa]);
  return seen.info1;
}

function attempt(lab: Lab, access: Access, gva: bigint) {
  if (access === "read") return lab.read(gva);
  return access === "fetch" ? lab.fetch(gva) : lab.write(gva, pattern(16, 1));
}

/** Every VMPL and access, private and shared, twice (the second may be remembered), at one page of a region. */
function everyAccess(
  { lab, oracle }: Board,
  region: Board["regions"][0],
  index: bigint,
  where: string,
) {
  const gpa = region.gpa + index * PAGE;
  const page = Number((region.spa + index * PAGE) / PAGE);
  for (const vmpl of [0, 1, 2, 3]) {
    for (const [access, cpl] of accesses) {
      lab.load({ vmpl, cpl });
      for (const shared of [false, true]) {
        const gva = region.gva + index * PAGE + (shared ? LARGE : 0n);
        const large = region.nestedLarge;
        // A fetch is private whatever the C-bit says. APM vol. 2, 15.34.5.
        const expected =
          shared && access !== "fetch"
            ? oracle.shared(page, access, large)
            : oracle.check(page, gpa, lab.asid, vmpl, access, cpl === 3, large);
        for (const time of ["first", "second"]) {
          const seen = outcome(attempt(lab, access, gva), gva, gpa);
          if (seen !== expected)
            assert.is(
              seen,
              expected,
              `${where} VMPL${vmpl} ${access} CPL${cpl} shared ${shared} ${time}`,
            );
        }
      }
    }
  }
}

function everyState(
  masksOf: (state: string) => number[],
  each: (name: string, entry: Entry, wrong: bigint) => void,
) {
  for (const [name, fields, owned] of states) {
    const owners = owned ? [1, OTHER] : [0];
    const shifts = owned ? [0n, LARGE] : [0n];
    for (const asid of owners)
      for (const wrong of shifts)
        for (const mask of masksOf(name)) {
          const masks = [mask, mask ^ 0xf, (mask * 7) & 0xf, (mask * 11 + 3) & 0xf];
          each(
            `${name} ASID ${asid} GPA+${wrong} mask ${mask}`,
            { ...hypervisor, ...fields, asid, masks },
            wrong,
          );
        }
  }
}

const ALL = Array.from({ length: 16 }, (_, mask) => mask);

test("state x page sizes x ASID x GPA x VMPL x permissions x access x C-bit: each meets what the manual says", () => {
  const made = board();
  const masksOf = (name: string) => (name === "Guest-Valid" ? ALL : [0xf, 0]);
  let cases = 0;
  for (const region of made.regions) {
    for (const large of [false, true]) {
      everyState(masksOf, (name, entry, wrong) => {
        const index = large ? 0n : INDEX;
        const spa = region.spa + index * PAGE;
        const gpa = entry.asid ? region.gpa + index * PAGE + wrong : 0n;
        made.set(spa, { ...entry, large, gpa });
        everyAccess(
          made,
          region,
          INDEX,
          `${name} RMP ${large ? "2M" : "4K"} nested ${region.nestedLarge ? "2M" : "4K"}`,
        );
        made.set(spa, hypervisor);
        cases++;
      });
    }
  }
  assert.is(cases, 4 * (5 * 2 + 6 * 4 * 2 + 4 * 16));
});

test("a guest that is not SNP may write only what is the hypervisor's, and read anything", () => {
  const made = board();
  const { lab } = made;
  for (const region of made.regions) {
    for (const large of [false, true]) {
      everyState(
        () => [0xf],
        (name, entry) => {
          const index = large ? 0n : INDEX;
          made.set(region.spa + index * PAGE, { ...entry, large, gpa: region.gpa + index * PAGE });
          const page = Number(region.spa / PAGE) + Number(INDEX);
          const gpa = region.gpa + INDEX * PAGE;
          for (const sev of [false, true]) {
            lab.load({ snp: false, sev, paging: false });
            for (const access of ["read", "fetch", "write"] as const) {
              const refused = made.oracle.shared(page, access, region.nestedLarge);
              const expected = refused === undefined || !sev ? refused : refused | (1n << 34n);
              assert.is(
                outcome(attempt(lab, access, gpa), gpa, gpa),
                expected,
                `${name} ${access}`,
              );
            }
          }
          made.set(region.spa + index * PAGE, hypervisor);
        },
      );
    }
  }
});

test("the host writes only to hypervisor-owned pages, reads all, and sees ciphertext", () => {
  const made = board();
  const { host } = made.lab.core;
  const spa = made.regions[0]!.spa;
  for (const large of [false, true]) {
    everyState(
      () => [0xf],
      (name, entry) => {
        const index = large ? 0n : INDEX;
        made.set(spa + index * PAGE, { ...entry, large, gpa: 0n });
        for (const at of [0n, 1n, INDEX, 511n]) {
          const target = spa + at * PAGE + 8n;
          const allowed = made.oracle.isHost(Number(target / PAGE), false);
          for (const encrypted of [false, true]) {
            assert.is(host.write(target, pattern(16, 2), encrypted), allowed, `${name} ${at}`);
            if (!allowed) {
              const { kind, code, info1, info2 } = host.exit();
              assert.equal(
                [kind, code, info1, info2],
                [Code.HOST_FAULT, 14n, 0x8000_0003n, target],
              );
            }
            assert.ok(host.read(target, new Uint8Array(16), encrypted));
          }
        }
        made.set(spa + index * PAGE, hypervisor);
      },
    );
  }
});

test("a remembered shared write through a 2 MiB mapping ends when any page of the region is assigned", () => {
  const { lab, regions } = board();
  const region = regions[1]!;
  lab.load();
  assert.is(lab.write(region.gva + LARGE, pattern(16, 3)), true);
  assert.is(lab.write(region.gva + LARGE, pattern(16, 4)), true);
  const state = { gpa: 0n, assigned: true, pageSize: "4k", immutable: false, asid: 1 } as const;
  assert.is(lab.core.host.rmpupdate(region.spa + 7n * PAGE, state), 0);
  const seen = outcome(
    lab.write(region.gva + LARGE, pattern(16, 5)),
    region.gva + LARGE,
    region.gpa,
  );
  assert.is(seen, 0x1_8000_0007n);
});

test("a region's first entry speaks for the others only when it is an assigned 2 MiB page, and counts with them otherwise", () => {
  const made = board();
  const { lab, regions, set } = made;
  const [small, large] = [regions[0]!, regions[1]!];
  const guests = { ...hypervisor, assigned: true, asid: lab.asid, validated: true };
  // Not assigned, whatever its size says: the page beside it is the guest's.
  set(small.spa, { ...hypervisor, immutable: true, large: true });
  set(small.spa + INDEX * PAGE, { ...guests, gpa: small.gpa + INDEX * PAGE, masks: [15, 0, 0, 0] });
  assert.not(lab.core.host.write(small.spa + INDEX * PAGE, pattern(16, 1)));
  everyAccess(made, small, INDEX, "an unassigned first entry");
  // A 4 KiB page: nobody writes to its region through 2 MiB.
  set(large.spa, { ...guests, gpa: large.gpa });
  everyAccess(made, large, INDEX, "an assigned first entry");
});

test("the walker notes nothing in a nested table that is not the hypervisor's", () => {
  const lab = new Lab({ generation: "sev-snp" });
  lab.back(GVA);
  lab.load({ paging: false });
  // The root is a page of the guest's now; its entry for the address was never accessed.
  lab.own(lab.root, 0x3000_0000n);
  const before = lab.dram(lab.root, 4096);
  const { code, info1 } = lab.read(GVA) as Exit;
  const error = (1n << BigInt(Code.PRESENT_BIT)) | (1n << BigInt(Code.RMP_BIT));
  assert.equal([code, info1 & error], [BigInt(Code.VMEXIT_NPF), error]);
  assert.is(hex(lab.dram(lab.root, 4096)), hex(before));
});

test("a page swapped by the host is refused until the guest validates it", () => {
  const { lab, regions } = board();
  const { gpa, gva, spa } = regions[0]!;
  lab.own(spa, gpa);
  lab.load();
  assert.is(lab.write(gva, pattern(64, 6)), true);
  const other = lab.small();
  const update = { gpa, assigned: true, pageSize: "4k", immutable: false, asid: lab.asid } as const;
  assert.is(lab.core.host.rmpupdate(other, update), 0);
  lab.nest(gpa, other);
  lab.load();
  assert.is(outcome(lab.read(gva), gva, gpa), "#VC");
  assert.equal(lab.core.guest.pvalidate(gva, false, true), { eax: 0, carry: false });
  // Fresh private memory decrypts to garbage, not to the old page and not to zeros.
  const fresh = hex(lab.read(gva, 64) as Uint8Array);
  assert.is.not(fresh, hex(pattern(64, 6)));
  assert.is.not(fresh, "00".repeat(64));
  lab.nest(gpa, spa);
  assert.is(hex(lab.read(gva, 64) as Uint8Array), hex(pattern(64, 6)));
});

// rmp.md 2.1: raw entries seen on real machines.
test("raw entries of real machines read as the states they were", () => {
  const { lab } = board();
  const { firmware, host } = lab.core;
  const spa = lab.large();
  firmware.setRmp(spa, 0x6010_ffff_ffff_f001n, 0x1fn);
  assert.equal(firmware.rmp(spa), { low: 0x6010_ffff_ffff_f001n, high: 0x1fn });
  const vmsa = raw({
    ...hypervisor,
    assigned: true,
    gpa: 0xf_ffff_ffff_f000n & ((1n << 48n) - 1n),
    asid: 2,
    vmsa: true,
    validated: true,
    masks: [0x1f, 0, 0, 0],
  });
  assert.equal(vmsa, { low: 0x6010_ffff_ffff_f001n, high: 0x1fn });
  assert.is(firmware.validatedOf(2), 1n);
  firmware.setRmp(spa, 0n, 0n);
  // 256 firmware pages of one region: the first counts the other 255.
  for (let i = 0n; i < 256n; i++) {
    const state = { gpa: 0n, assigned: true, pageSize: "4k", immutable: true, asid: 0 } as const;
    assert.is(host.rmpupdate(spa + i * PAGE, state), 0);
  }
  assert.equal(firmware.rmp(spa), { low: 0x7fdn, high: 0n });
  assert.equal(firmware.rmp(spa + 255n * PAGE), { low: 5n, high: 0n });
  firmware.setRmp(spa, 4n, 0n);
  assert.ok(host.write(spa, pattern(16, 1)), "HV-Fixed is the hypervisor's to write");
  assert.is(readAll((into) => host.read(spa, into), 16)[0], pattern(16, 1)[0]);
  assert.ok(lab.platform.chip.physicalBits > 0 && MIB > 0);
});
