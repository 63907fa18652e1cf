// Trusted I/O beneath the firmware: what the IOMMU, the links and the devices refuse.
import type { Mutants } from "./mutant.ts";

const link = ["tio/link.test.ts", "tio/cipher.test.ts"];
const board = ["tio/board.test.ts", "attack/matrix.test.ts"];

export const tioLink: Mutants[] = [
  {
    file: "assembly/iommu.ts",
    tests: ["assembly/dma.test.ts", "assembly/mmio.test.ts"],
    changes: [
      ["if (!valid || load<u32>(row, DeviceTable.VIA) != via)", "if (!valid)"],
      ["if (!valid || load<u32>", "if (load<u32>"],
      ["if (load<u8>(fenceAt(row, asid)) & FENCED_DMA)", "if (false)"],
      ["if (!allowed || slotState(asid) != Slot.ACTIVE)", "if (!allowed)"],
      ["if (!allowed || slotState(asid)", "if (slotState(asid)"],
      ["return verdict == ALLOWED || violation(row, rid, gpa, asid);", "return true;"],
      ["  store<u8>(fence, load<u8>(fence) | u8(raised));\n", ""],
      ["  store<u32>(row, 0, DeviceTable.SECURE);\n", ""],
      ["if (load<u32>(row, DeviceTable.ASID) != asid) return UNTRUSTED;", ""],
      ["gpa >= load<u64>(row, DeviceTable.VTOM)", "gpa > load<u64>(row, DeviceTable.VTOM)"],
    ],
  },
  {
    file: "assembly/ide.ts",
    tests: ["tio/cipher.test.ts"],
    changes: [
      ["      if (differs) return first;\n", ""],
      ["u64(load<u32>(tag, 8) ^ load<u32>(unit, Unit.TAG + 8));", "u64(0);"],
    ],
  },
  {
    file: "ts/pcie/ide-end.ts",
    tests: link,
    changes: [
      ["(!tlp.tee && this.stream.isTeeLimited) ||", ""],
      ["!this.#counts(tlp) ||", ""],
    ],
  },
  {
    file: "ts/pcie/port.ts",
    tests: link,
    changes: [
      ["if (this.#mustBeProtected && !origin.stream) return;", "if (false) return;"],
      ["if (wanted.origin.tee !== tee ||", "if ("],
    ],
  },
  {
    file: "ts/pcie/host-bridge.ts",
    tests: board,
    changes: [["    if (asid !== undefined && via?.rootPortId !== number) return;\n", ""]],
  },
  {
    file: "ts/device/endpoint.ts",
    tests: [...link, ...board],
    changes: [
      ["if (!tdi.admits({ tee: origin.tee, bar, offset })) return undefined;", ""],
      ["tdi.state === Tdisp.ERROR", "false"],
    ],
  },
];
