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
      ["(number << Tlb.PAGE_LSB) | (vcpuTag() & ~USER)", "(number << Tlb.PAGE_LSB)"],
      ["((1 << Pte.WRITE_BIT) | (1 << Pte.USER_BIT))", "(1 << Pte.WRITE_BIT)"],
      ["((1 << Pte.WRITE_BIT) | (1 << Pte.USER_BIT))", "(1 << Pte.USER_BIT)"],
      [" | (u32(bit(noExecute, Pte.NX_BIT)) << Row.NX_BIT)", ""],
      ["? mask(Pte.NX_BIT) : 0", "? 0 : 0"],
      ["if (!isTableOf(row, vcpu, number)) return 0;", ""],
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
      ["|| !allowsNested(granted, noExecute", "|| !allowsNested(entry, noExecute"],
      ["|| !allowsNested(granted, noExecute", "|| !allowsNested(granted, entry"],
      ["!= noted || !allowsNested(granted, noExecute, need)", "!= noted"],
      ["if (!bit(granted, Pte.USER_BIT)) return false;", ""],
      ["if (need == WRITE && !bit(granted, Pte.WRITE_BIT)) return false;", ""],
      ["need != FETCH || !bit(noExecute, Pte.NX_BIT)", "true"],
    ],
  },
  {
    file: "assembly/refill.ts",
    tests: [...tests, "assembly/walk.test.ts", "assembly/rmp.test.ts"],
    changes: [
      [
        "(entry & (noted | c | reservedBits(true))) != (noted | c)",
        "(entry & (noted | c)) != (noted | c)",
      ],
      ["(entry & (noted | reservedBits(true))) != noted", "(entry & 1) == 0"],
      ["  if (!grants(entry, rights, need, user)) return NOWHERE;\n", ""],
      ["  if (!grants(entry, load<u32>(row, Row.RIGHTS), need, true)) return 0;\n", ""],
      ["|| (need == WRITE && open != frame)", ""],
      ["const all = u32(entry) & rights;", "const all = u32(entry);"],
      ["const all = u32(entry) & rights;", "const all = rights;"],
      ["if (need == WRITE && !(all & (1 << Pte.WRITE_BIT))) return false;", ""],
      ["(bit(entry, Pte.NX_BIT) || bit(rights, Row.NX_BIT))", "bit(entry, Pte.NX_BIT)"],
      ["(bit(entry, Pte.NX_BIT) || bit(rights, Row.NX_BIT))", "bit(rights, Row.NX_BIT)"],
      ["return !user || (all & (1 << Pte.USER_BIT)) != 0;", "return true;"],
      ["if (mode != MODES || !isEnabled() || ", "if (!isEnabled() || "],
      ["|| !isCanonical(gva) ||", "||"],
      ["return large ? 0 : load", "return load"],
      ["  if (load<u32>(infoOf(frame), Frame.KEY) != asid) return NOWHERE;\n", ""],
      ["wanted(need, user)) != ALLOWED) return NOWHERE;", "wanted(need, user)) != ALLOWED) {}"],
    ],
  },
];
