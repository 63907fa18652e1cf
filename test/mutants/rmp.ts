// The RMP: its check, where it lies, and what an entry's change must bring with it.
import type { Mutants } from "./mutant.ts";

const CHECK = ["assembly/rmp.test.ts"];
const TABLE = ["assembly/rmp-table.test.ts"];
const SEGMENT = ["assembly/rmp-segment.test.ts", ...TABLE];
const HOST = ["assembly/instruction.test.ts"];
const GUEST = ["assembly/guest-instruction.test.ts"];

export const rmp: Mutants[] = [
  {
    file: "assembly/rmp.ts",
    tests: SEGMENT,
    changes: [
      ["if (!isDram(page) && !isMmio(page)) return 0;", ""],
      [
        "  settle(rmpPageOf(page));\n  const entry = entryOf(page);\n  const old",
        "  const entry = entryOf(page);\n  const old",
      ],
      ["    settle(rmpPageOf(headOf(page)));\n", ""],
      [
        "for (let i: u32 = 0; i < LEAF_PAGES; i++) countValidated(lowOf(page + i), change);\n  flushTlb();",
        "for (let i: u32 = 0; i < LEAF_PAGES; i++) countValidated(lowOf(page + i), change);",
      ],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: CHECK,
    changes: [
      [
        "(u64(1) << Rmp.ASSIGNED_BIT) | (u64(1) << Rmp.PAGE_SIZE_BIT)",
        "u64(1) << Rmp.ASSIGNED_BIT",
      ],
      [
        "(u64(1) << Rmp.ASSIGNED_BIT) | (u64(1) << Rmp.PAGE_SIZE_BIT)",
        "u64(1) << Rmp.PAGE_SIZE_BIT",
      ],
      ["& DECIDES) | u64(wants & ~granted);", "& DECIDES);"],
      [
        "(u64(1) << Rmp.ASSIGNED_BIT) | (u64(1) << Rmp.VALIDATED_BIT)",
        "u64(1) << Rmp.ASSIGNED_BIT",
      ],
      [
        "(mask(Rmp.ASSIGNED_BIT) | mask(Rmp.LOCK_BIT))) return false",
        "mask(Rmp.LOCK_BIT)) return false",
      ],
      [
        "return !bit(head, Rmp.ASSIGNED_BIT) && subpagesOf(head) == 0",
        "return subpagesOf(head) == 0",
      ],
      [
        "return !bit(head, Rmp.ASSIGNED_BIT) && subpagesOf(head) == 0",
        "return !bit(head, Rmp.ASSIGNED_BIT)",
      ],
      ["if (!bit(low, Rmp.ASSIGNED_BIT) || asidOf(low) != asid)", "if (asidOf(low) != asid)"],
      [
        "if (!bit(low, Rmp.ASSIGNED_BIT) || asidOf(low) != asid)",
        "if (!bit(low, Rmp.ASSIGNED_BIT))",
      ],
      [
        "if ((gpa & ~OFFSET) != gpaOf(low) + (u64(page - owner) << PAGE_SHIFT)) return REFUSED;",
        "",
      ],
      ["gpaOf(low) + (u64(page - owner) << PAGE_SHIFT)) return", "gpaOf(low)) return"],
      [
        "if (low & (mask(Rmp.IMMUTABLE_BIT) | mask(Rmp.LOCK_BIT)))",
        "if (low & mask(Rmp.LOCK_BIT))",
      ],
      ["if (bit(low, Rmp.PAGE_SIZE_BIT) != large)", "if (false)"],
      ["return REFUSED | mask(Exit.SIZEM_BIT)", "return REFUSED"],
      ["if (owner != ALLOWED) return owner;", ""],
      ["if (!bit(lowOf(entry), Rmp.VALIDATED_BIT)) return NOT_VALIDATED;", ""],
      ["wants & ~granted ? REFUSED | mask(Exit.VMPL_BIT) : ALLOWED", "ALLOWED"],
      [
        "(1 << Rmp.PERMISSION_READ_BIT) | (1 << Rmp.PERMISSION_WRITE_BIT)",
        "1 << Rmp.PERMISSION_WRITE_BIT",
      ],
      [
        "(1 << Rmp.PERMISSION_READ_BIT) | (1 << Rmp.PERMISSION_WRITE_BIT)",
        "1 << Rmp.PERMISSION_READ_BIT",
      ],
      ["((user ? USER : KERNEL) >>", "(USER >>"],
      ["((user ? USER : KERNEL) >>", "(KERNEL >>"],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: HOST,
    changes: [
      [
        "(mask(Rmp.ASSIGNED_BIT) | mask(Rmp.LOCK_BIT))) return false",
        "mask(Rmp.ASSIGNED_BIT)) return false",
      ],
      ["countValidated(old, -1);", ""],
      ["countValidated(low, 1);", ""],
      ["store<u64>(head, (first & ~COUNT_MASK) | counted);", ""],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: GUEST,
    changes: [
      [
        "if (low & (mask(Rmp.IMMUTABLE_BIT) | mask(Rmp.LOCK_BIT)))",
        "if (low & mask(Rmp.IMMUTABLE_BIT))",
      ],
    ],
  },
  {
    file: "assembly/host.ts",
    tests: CHECK,
    changes: [["if (isEnabled() && !isHypervisorOwned(page, false))", "if (false)"]],
  },
  {
    file: "assembly/walk.ts",
    tests: ["assembly/walk.test.ts", "assembly/rmp.test.ts"],
    changes: [
      ["if (isSnp() && enc) return checkPrivate(page, address, need, present);", ""],
      [
        "if (need != WRITE || isHypervisorOwned(page, isNestedLarge)) return true;",
        "if (true) return true;",
      ],
      ["isHypervisorOwned(page, isNestedLarge)", "isHypervisorOwned(page, false)"],
    ],
  },
  {
    file: "assembly/rmp.ts",
    tests: ["assembly/mmio.test.ts"],
    changes: [["if (!isDram(page) && !isMmio(page)) return 0;", "if (!isDram(page)) return 0;"]],
  },
  {
    file: "assembly/rmp-table.ts",
    tests: ["assembly/mmio.test.ts", ...SEGMENT],
    changes: [
      ["if (!isDram(page) && !isMmio(page)) return false;", ""],
      ["if (!isDram(page) && !isMmio(page)) return false;", "if (!isDram(page)) return false;"],
    ],
  },
  {
    file: "assembly/iommu.ts",
    tests: ["assembly/dma.test.ts"],
    changes: [["if (!isSecure(row, DeviceTable.VALID_BIT)) return UNTRUSTED;", ""]],
  },
  {
    file: "assembly/nested.ts",
    tests: ["assembly/rmp.test.ts"],
    changes: [["if (isEnabled() && !isHypervisorOwned(page, false)) return false;", ""]],
  },
  {
    file: "assembly/iommu.ts",
    tests: ["assembly/dma.test.ts"],
    changes: [
      ["return verdict == ALLOWED ||", "return true ||"],
      ["if (!allowed || slotState(asid) != Slot.ACTIVE)", "if (!allowed)"],
      ["if (!allowed || slotState(asid) != Slot.ACTIVE)", "if (slotState(asid) != Slot.ACTIVE)"],
      ["!valid || load<u32>(row, DeviceTable.VIA) != via", "!valid"],
      ["!valid || load<u32>(row, DeviceTable.VIA) != via", "false"],
      ["if (load<u8>(fenceAt(row, asid)) & FENCED_DMA)", "if (false)"],
      ["  store<u8>(fence, load<u8>(fence) | u8(mask(DeviceTable.FENCE_ERROR_BIT)));\n", ""],
      ["if (load<u32>(row, DeviceTable.ASID) != asid) return UNTRUSTED;", ""],
      ["if (bit(load<u8>(fenceAt(row, asid)), DeviceTable.FENCE_MMIO_BIT)) return UNTRUSTED;", ""],
      ["need != WRITE || !isEnabled() || isHypervisorOwned(pageOf(spa), isNestedLarge)", "true"],
    ],
  },
  {
    file: "assembly/rmp-table.ts",
    tests: SEGMENT,
    changes: [
      ["return page < load<u32>(Memory.RMP_TABLE, Table.COVERED_PAGES)", "return true"],
      ["if (index >= load<u32>(Memory.RMP_TABLE, Table.SEGMENTS)) return false;", ""],
      ["return u64(page & ((1 << shift) - 1)) < coveredOf(segment(index))", "return true"],
      ["&& within >> shift == 0", ""],
    ],
  },
  {
    file: "assembly/psp.ts",
    tests: TABLE,
    changes: [
      ["if (!isCovered(page) || ", "if ("],
      [" || isOwnRmp(page)) return false", ") return false"],
    ],
  },
  {
    file: "assembly/dimm.ts",
    tests: TABLE,
    changes: [
      ["if (!probeRmp(page, -1)) return false;", ""],
      ["return probeRmp(page, 1);", "return true;"],
    ],
  },
  {
    file: "assembly/rmp-init.ts",
    tests: TABLE,
    changes: [
      ["= OWN | (u64(1) << Rmp.ASSIGNED_BIT)", "= OWN"],
      ["(u64(1) << Rmp.IMMUTABLE_BIT) | (u64(1) << Rmp.LOCK_BIT)", "u64(1) << Rmp.IMMUTABLE_BIT"],
      ["(u64(1) << Rmp.IMMUTABLE_BIT) | (u64(1) << Rmp.LOCK_BIT)", "u64(1) << Rmp.LOCK_BIT"],
    ],
  },
  {
    file: "assembly/instruction/rmpupdate.ts",
    tests: ["assembly/tlb.test.ts"],
    changes: [
      ["for (let i: u32 = 0; i < pages; i++) settle(page + i);", ""],
      ["i < pages; i++) settle(page + i);", "i < 1; i++) settle(page + i);"],
    ],
  },
  {
    file: "assembly/instruction/psmash.ts",
    tests: ["assembly/tlb.test.ts", "assembly/page.test.ts", "assembly/instruction.test.ts"],
    changes: [["settle(page + i);", ""]],
  },
  {
    file: "assembly/instruction/pvalidate.ts",
    tests: ["assembly/guest-instruction.test.ts", "assembly/tlb.test.ts"],
    changes: [
      ["if (!validate) for (let i: u32 = 0; i < pages; i++) settle(found + i);", ""],
      ["i < pages; i++) settle(found + i);", "i < 1; i++) settle(found + i);"],
    ],
  },
  {
    file: "assembly/instruction/rmpadjust.ts",
    tests: GUEST,
    changes: [
      ["for (let i: u32 = 0; i < pages; i++) forgetPage(found + i);", ""],
      ["i < pages; i++) forgetPage", "i < 1; i++) forgetPage"],
    ],
  },
];
