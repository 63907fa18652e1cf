// What the RMP's six instructions refuse.
import type { Mutants } from "./mutant.ts";

const TABLE = ["assembly/rmp-table.test.ts"];
const HOST = ["assembly/instruction.test.ts"];
const GUEST = ["assembly/guest-instruction.test.ts"];

export const rmpInstruction: Mutants[] = [
  {
    file: "assembly/instruction/host-only.ts",
    tests: HOST,
    changes: [
      ["if (!isEnabled() || !exists)", "if (!exists)"],
      ["if (!isEnabled() || !exists)", "if (!isEnabled())"],
      ["if (!inGuest) return RmpState.SUCCESS;", "return RmpState.SUCCESS;"],
      ["if (load<u32>(Memory.VCPU, Vcpu.CPL) != 0)", "if (false)"],
    ],
  },
  {
    file: "assembly/instruction/rmpupdate.ts",
    tests: HOST,
    changes: [
      ["if (legal != RmpState.SUCCESS) return legal;", ""],
      ["if (hasAny(Rmp.IMMUTABLE_BIT, page, pages)) return RmpState.FAIL_PERMISSION;", ""],
      ["if (hasAny(Rmp.LOCK_BIT, page, pages)) return RmpState.FAIL_INUSE;", ""],
      [
        "for (let i: u32 = 0; i < pages; i++) {\n    if (bit(lowOf(governing",
        "for (let i: u32 = 0; i < 1; i++) {\n    if (bit(lowOf(governing",
      ],
      ["if (overlaps(page, large)) return RmpState.FAIL_OVERLAP;", ""],
      ["if ((spa | gpa) & within) return false;", "if (gpa & within) return false;"],
      ["if ((spa | gpa) & within) return false;", "if (spa & within) return false;"],
      ["const within = large ? LARGE_OFFSET : u64(OFFSET);", "const within = u64(OFFSET);"],
      ["if (gpa >> (Rmp.GPA_LSB + Rmp.GPA_WIDTH) || asid >= ASIDS)", "if (asid >= ASIDS)"],
      [
        "if (gpa >> (Rmp.GPA_LSB + Rmp.GPA_WIDTH) || asid >= ASIDS)",
        "if (gpa >> (Rmp.GPA_LSB + Rmp.GPA_WIDTH))",
      ],
      ["if ((assigned | size | immutable) & 0xfe ||", "if ("],
      ["0xfe || load<u8>(state, RmpState.RESERVED_0B))", "0xfe)"],
      [
        "return assigned != 0 || (asid == 0 && immutable == 0)",
        "return assigned != 0 || asid == 0",
      ],
      [
        "return assigned != 0 || (asid == 0 && immutable == 0)",
        "return assigned != 0 || immutable == 0",
      ],
      ["const same = asid != 0 && ((low ^ old) & OWNER_BITS) == 0;", "const same = asid != 0;"],
      [
        "const same = asid != 0 && ((low ^ old) & OWNER_BITS) == 0;",
        "const same = ((low ^ old) & OWNER_BITS) == 0;",
      ],
      ["  (u64(1) << Rmp.PAGE_SIZE_BIT) |\n", ""],
      ["  (((u64(1) << Rmp.GPA_WIDTH) - 1) << Rmp.GPA_LSB) |\n", ""],
      [" |\n  (((u64(1) << Rmp.ASID_WIDTH) - 1) << Rmp.ASID_LSB);", ";"],
      ["asid ? firstPermissions() : 0", "firstPermissions()"],
    ],
  },
  {
    file: "assembly/instruction/rmpupdate.ts",
    tests: ["assembly/instruction.test.ts", "assembly/rmp-table.test.ts"],
    changes: [["if (!isCovered(page)) return RmpState.FAIL_INPUT;", ""]],
  },
  {
    file: "assembly/instruction/psmash.ts",
    tests: HOST,
    changes: [
      ["if (legal != RmpState.SUCCESS) return legal;", ""],
      ["if (spa & LARGE_OFFSET || !isCovered(page))", "if (!isCovered(page))"],
      [
        "if (!bit(head, Rmp.ASSIGNED_BIT) || !bit(head, Rmp.PAGE_SIZE_BIT))",
        "if (!bit(head, Rmp.PAGE_SIZE_BIT))",
      ],
      [
        "if (!bit(head, Rmp.ASSIGNED_BIT) || !bit(head, Rmp.PAGE_SIZE_BIT))",
        "if (!bit(head, Rmp.ASSIGNED_BIT))",
      ],
      ["if (bit(head, Rmp.IMMUTABLE_BIT)) return RmpState.FAIL_PERMISSION;", ""],
      ["if (bit(head, Rmp.LOCK_BIT)) return RmpState.FAIL_INUSE;", ""],
    ],
  },
  {
    file: "assembly/instruction/psmash.ts",
    tests: TABLE,
    changes: [["if (spa & LARGE_OFFSET || !isCovered(page))", "if (spa & LARGE_OFFSET)"]],
  },
  {
    file: "assembly/instruction/guest-page.ts",
    tests: GUEST,
    changes: [
      ["if (!isSnp() || !exists)", "if (!exists)"],
      ["if (!isSnp() || !exists)", "if (!isSnp())"],
      ["if (!mayRun())", "if (false)"],
      ["if (load<u32>(Memory.VCPU, Vcpu.CPL) != 0)", "if (false)"],
      ["if (!walkGuest(gva, READ)) return refuse(false, gva, gpa);", "walkGuest(gva, READ);"],
      ["return isPrivate ? RmpState.SUCCESS : RmpState.FAIL_INPUT;", "return RmpState.SUCCESS;"],
      ["if (failure) return refused(npf(error | errorOf(failure), gpa), gva, gpa);", ""],
      ["if (owner != ALLOWED) return", "if (false) return"],
      ["if (!isLarge || size != 0) return true;", "return true;"],
      ["if (bit(low, Rmp.VALIDATED_BIT)) return true;", "if (true) return true;"],
    ],
  },
  {
    file: "assembly/instruction/pvalidate.ts",
    tests: GUEST,
    changes: [
      ["if (!isGuestKernel(true, gva)) return Answer.REFUSED;", ""],
      ["if (vmpl() != 0)", "if (false)"],
      [
        "if (size > 1 || (size == 1 && gva & LARGE_OFFSET))",
        "if (size == 1 && gva & LARGE_OFFSET)",
      ],
      ["if (size > 1 || (size == 1 && gva & LARGE_OFFSET))", "if (size > 1)"],
      ["if (walked != RmpState.SUCCESS) return walked;", ""],
      ["if (!findEntry(gva, size)) return Answer.REFUSED;", "findEntry(gva, size);"],
      ["if (size == 1 && (!isLarge || !isGuestLarge))", "if (size == 1 && !isGuestLarge)"],
      ["if (size == 1 && (!isLarge || !isGuestLarge))", "if (size == 1 && !isLarge)"],
      ["return RmpState.SUCCESS | CARRY", "return RmpState.SUCCESS"],
    ],
  },
  {
    file: "assembly/instruction/rmpadjust.ts",
    tests: GUEST,
    changes: [
      ["if (!isGuestKernel(true, gva)) return Answer.REFUSED;", ""],
      [
        "if (size > 1 || (size == 1 && gva & LARGE_OFFSET) || reserved)",
        "if ((size == 1 && gva & LARGE_OFFSET) || reserved)",
      ],
      [
        "if (size > 1 || (size == 1 && gva & LARGE_OFFSET) || reserved)",
        "if (size > 1 || reserved)",
      ],
      [
        "if (size > 1 || (size == 1 && gva & LARGE_OFFSET) || reserved)",
        "if (size > 1 || (size == 1 && gva & LARGE_OFFSET))",
      ],
      ["if (walked != RmpState.SUCCESS) return walked;", ""],
      ["if (target <= vmpl() || target >= u32(Vcpu.VMPLS))", "if (target >= u32(Vcpu.VMPLS))"],
      [
        "if (target <= vmpl() || target >= u32(Vcpu.VMPLS))",
        "if (target < vmpl() || target >= u32(Vcpu.VMPLS))",
      ],
      ["if (target <= vmpl() || target >= u32(Vcpu.VMPLS))", "if (target <= vmpl())"],
      ["if (!findEntry(gva, size) || !isValidated(gva))", "if (!findEntry(gva, size))"],
      ["if (size == 1 && (!isLarge || !isGuestLarge))", "if (size == 1 && !isGuestLarge)"],
      ["if (size == 1 && (!isLarge || !isGuestLarge))", "if (size == 1 && !isLarge)"],
      ["if (wanted & ~permissionsOf(found, vmpl()))", "if (false)"],
      ["vmpl() == 0 && vmsa ?", "vmsa ?"],
      ["vmpl() == 0 ? low & ~mask(Rmp.VMSA_BIT) : low", "low & ~mask(Rmp.VMSA_BIT)"],
      ["vmpl() == 0 ? low & ~mask(Rmp.VMSA_BIT) : low", "low"],
    ],
  },
  {
    file: "assembly/instruction/rmpquery.ts",
    tests: GUEST,
    changes: [
      ["if (!isGuestKernel(hasFeature(State.RMPQUERY_BIT), gva)) return Answer.REFUSED;", ""],
      ["hasFeature(State.RMPQUERY_BIT)", "true"],
      ["if (walked == Answer.REFUSED) return walked;", ""],
      ["if (walked != RmpState.SUCCESS) return RmpState.FAIL_PERMISSION;", ""],
      ["if (target < vmpl() || target >= u32(Vcpu.VMPLS))", "if (target >= u32(Vcpu.VMPLS))"],
      ["if (target < vmpl() || target >= u32(Vcpu.VMPLS))", "if (target < vmpl())"],
      ["if (!findEntry(gva, 1) || !isValidated(gva))", "if (!findEntry(gva, 1))"],
    ],
  },
  {
    file: "assembly/instruction/rmpread.ts",
    tests: HOST,
    changes: [
      ["if (legal != RmpState.SUCCESS) return legal;", ""],
      ["hasFeature(State.RMPREAD_BIT)", "true"],
      ["if (spa & OFFSET || !isCovered(page))", "if (!isCovered(page))"],
      ["if (spa & OFFSET || !isCovered(page))", "if (spa & OFFSET)"],
    ],
  },
];
