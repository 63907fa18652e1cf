// Walks: what drops what they left behind.
import type { Mutants } from "./mutant.ts";

const tests = [
  "assembly/dependents.test.ts",
  "assembly/upper-entries.test.ts",
  "assembly/walk-cache.test.ts",
  "assembly/tlb.test.ts",
];

export const walk: Mutants[] = [
  {
    file: "assembly/dependent.ts",
    tests,
    changes: [
      ["if (!before && open) forgetFrame(open & FRAME);", ""],
      [
        "const now = !before || before == role ? role : mixed;",
        "const now = !before ? role : before;",
      ],
      ["kind == MIXED || level > 1 ||", "kind == MIXED ||"],
      ["kind == MIXED || level > 1 ||", "level > 1 ||"],
      ["  forgetWalks(page, level ? LARGE_PAGES : 1);\n", ""],
      ["forgetWalks(page, level ? LARGE_PAGES : 1);", "forgetWalks(page, 1);"],
      ["  if (level) forgetGuestTable(index);\n", ""],
      ["  forgetNested(page, level ? LARGE_PAGES : 1);\n", ""],
      ["forgetNested(page, level ? LARGE_PAGES : 1);", "forgetNested(page, 1);"],
      ["  if (!level) return forgetPage(first);\n", "  if (!level) return;\n"],
      ["i++) forgetPage(head + i);", "i++) {}"],
      [
        "(lowest | (region << Directory.REGION_LSB))) return flushTlb();",
        "(lowest | (region << Directory.REGION_LSB))) return;",
      ],
      ["  forgetWalks(region * LARGE_PAGES, LARGE_PAGES);\n", ""],
      ["  if (frame) forgetFrame(frame);\n", ""],
    ],
  },
  {
    file: "assembly/page.ts",
    tests: [...tests, "assembly/guest-instruction.test.ts"],
    changes: [
      [
        "    if (same) beforeWrite(entry, frame, offset, bytes);\n",
        "    if (same) return frame;\n",
      ],
      ["    else forgetTable(entry);\n", ""],
      [
        "  if (frame) forgetFrame(frame);\n  if (isTable(entry)) forgetTable(entry);",
        "  if (isTable(entry)) forgetTable(entry);",
      ],
      [
        "  if (frame) forgetFrame(frame);\n  if (isTable(entry)) forgetTable(entry);",
        "  if (frame) forgetFrame(frame);",
      ],
      ["  close(entry);\n  if (isTable(entry)) forgetTable(entry);", "  close(entry);"],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: ["assembly/walk-cache.test.ts", "assembly/instruction.test.ts", "assembly/rmp.test.ts"],
    changes: [
      ["isHypervisorOwned(page, true)) forgetLarge(page);", "isHypervisorOwned(page, true)) {}"],
    ],
  },
  {
    file: "assembly/walk-cache.ts",
    tests,
    changes: [
      [
        "return load<u32>(infoOf(frame), Frame.GENERATION) == load<u32>(row, Row.GENERATION);",
        "return frame != 0;",
      ],
      ["  memory.fill(Memory.NESTED_TLB, 0, Nested.ENTRIES * Nested.SIZE);\n", ""],
      ["  memory.fill(Memory.TABLE_CACHE, 0, Row.SETS * BYTES);\n", ""],
      ["return differs & (~RIGHTS | rights) ? 0 : row;", "return differs & ~RIGHTS ? 0 : row;"],
      ["return (number << Tlb.PAGE_LSB) | vcpu;", "return number << Tlb.PAGE_LSB;"],
      ["((1 << Pte.WRITE_BIT) | (1 << Pte.USER_BIT))", "(1 << Pte.WRITE_BIT)"],
      ["((1 << Pte.WRITE_BIT) | (1 << Pte.USER_BIT))", "(1 << Pte.USER_BIT)"],
      [" | (u32(bit(noExecute, Pte.NX_BIT)) << Row.NX_BIT)", ""],
      ["? mask(Pte.NX_BIT) : 0", "? 0 : 0"],
      ["if (!isTableOf(row, number, vcpu)) return 0;", ""],
    ],
  },
  {
    file: "assembly/walk.ts",
    tests,
    changes: [
      ["    countChecks(3 - level);\n", ""],
      ["    noExecute = noExecuteOf(row);\n", ""],
      ["    granted = grantedOf(row);\n", ""],
      ["guestRole(level, gva))", "guestRole(level, 0))"],
    ],
  },
  {
    file: "assembly/walk.ts",
    tests: ["assembly/walk.test.ts", ...tests],
    changes: [
      ["leaf && !allows(granted, noExecute, need)", "leaf && !allows(entry, noExecute, need)"],
      ["leaf && !allows(granted, noExecute, need)", "leaf && !allows(granted, entry, need)"],
      ["leaf && !allows(granted, noExecute, need)", "false"],
    ],
  },
  {
    file: "assembly/nested.ts",
    tests: ["assembly/walk.test.ts", "assembly/dma.test.ts", ...tests],
    changes: [
      ["nestedRole(level, address))", "nestedRole(level, 0))"],
      ["    noExecute = noExecuteOf(row);\n", ""],
      ["    granted = grantedOf(row);\n", ""],
      ["leaf && !allowsNested(granted, noExecute", "leaf && !allowsNested(entry, noExecute"],
      ["leaf && !allowsNested(granted, noExecute", "leaf && !allowsNested(granted, entry"],
      ["leaf && !allowsNested(granted, noExecute, need)", "false"],
      ["if (!bit(granted, Pte.USER_BIT)) return false;", ""],
      ["if (need == WRITE && !bit(granted, Pte.WRITE_BIT)) return false;", ""],
      ["need != FETCH || !bit(noExecute, Pte.NX_BIT)", "true"],
    ],
  },
  {
    file: "assembly/followed.ts",
    tests: ["assembly/steps.test.ts"],
    changes: [
      ["return (u64(1) << Pte.PRESENT_BIT) | ", "return "],
      ["| (u64(1) << Pte.ACCESSED_BIT) | rights", "| rights"],
      ["    (u64(need == WRITE) << Pte.WRITE_BIT) |\n", ""],
      ["    (u64(user) << Pte.USER_BIT) |\n", ""],
      ["(u64(need == FETCH) << Pte.NX_BIT)", "0"],
      ["const dirty = u64(need == WRITE) << Pte.DIRTY_BIT;", "const dirty: u64 = 0;"],
      [
        "const guestLeaf = deciding(need, user) | reserved",
        "const guestLeaf = deciding(need, user)",
      ],
      ["deciding(need, user) | reserved | mask(Pte.LARGE_BIT)", "deciding(need, user) | reserved"],
      [
        "const guestPointer = deciding(need, user) | reserved",
        "const guestPointer = deciding(need, user)",
      ],
      [
        "let nestedLeaf = deciding(READ, true) | reserved;",
        "let nestedLeaf = deciding(READ, true);",
      ],
      ["let nestedPointer = nestedLeaf | mask(Pte.LARGE_BIT);", "let nestedPointer = nestedLeaf;"],
      ["nestedLeaf = deciding(need, true) | reserved | dirty;", ""],
      ["nestedPointer = deciding(need, true) | reserved | mask(Pte.LARGE_BIT);", ""],
      ["      wants = wanted(need, user);\n", ""],
      ["    if (againstOwn(rmp, page, address, owned, vmpl, wants)) return 0;\n", ""],
      ["    if (keyOf(frame) != asid) return 0;\n", ""],
      ["      if (!(entry & c)) return 0;\n", ""],
      ["(canonical(gva) ^ gva) | ", ""],
      ["u64(mode | slot", "u64(slot"],
      ["u64(mode | slot", "u64(mode"],
      ["  if (keyOf(frame) != (above & c ? 0 : u32(Frame.RAW))) return 0;\n", ""],
    ],
  },
  {
    file: "assembly/remembered.ts",
    tests: ["assembly/steps.test.ts", "assembly/walk-cache.test.ts"],
    changes: [
      ["  if (unusual(gva)) return 0;\n", ""],
      ["const leaf = reservedBits(true) | ", "const leaf: u64 = "],
      ["reservedBits(true) | (u64(need == WRITE) << Pte.DIRTY_BIT)", "reservedBits(true)"],
      ["  if (unknown(guest, gva, vcpu)) return 0;\n", ""],
      ["(entry ^ SET) & (deciding(need, user) | leaf)", "(entry ^ SET) & leaf"],
      ["differs | (denied(guest) & rights(need, user))", "differs"],
      ["  if (!(entry & cBit())) return 0;\n", ""],
      ["(nested ^ SET) & (deciding(need, true) | leaf)", "(nested ^ SET) & leaf"],
      ["deviates | (denied(host) & rights(need, true))", "deviates"],
      ["wanted(need, user))) return 0;", "wanted(need, user))) {}"],
      ["(above | (above << (Pte.NX_BIT - Row.NX_BIT)))", "above"],
    ],
  },
  {
    file: "assembly/walk-cache.ts",
    tests: ["assembly/steps.test.ts", ...tests],
    changes: [["(load<u32>(row, Row.GENERATION) ^ now) | (open", "(open"]],
  },
  {
    file: "assembly/refill.ts",
    tests: ["assembly/steps.test.ts", "assembly/walk-cache.test.ts"],
    changes: [
      ["  if (keyOf(frame) != load<u32>(Memory.VCPU, Vcpu.ASID)) return false;\n", ""],
      ["  if (need == WRITE && held != frame) return false;\n", ""],
      ["  countWhole();\n", ""],
      ["need == WRITE ? READ | WRITE : need", "READ | WRITE"],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: ["assembly/steps.test.ts", "assembly/rmp.test.ts"],
    changes: [
      [
        "(gpa & ~OFFSET) | owned, vmpl, wants) | isLarge;",
        "(gpa & ~OFFSET) | owned, vmpl, wants);",
      ],
      ["((load<u64>(entry) ^ says) & DECIDES) | ", ""],
    ],
  },
];
