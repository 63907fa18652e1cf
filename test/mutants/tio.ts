// SEV-TIO's firmware: what its commands and messages refuse, and what they take away when something breaks.
import type { Mutants } from "./mutant.ts";

const MATRIX = ["tio/command-matrix.test.ts"];
const CONNECT = ["tio/connect.test.ts"];
const TDI = ["tio/tdi.test.ts"];
const REQUEST = ["tio/request-matrix.test.ts"];
const GUEST = ["tio/guest.test.ts"];

export const tio: Mutants[] = [
  {
    file: "ts/psp/tio/command.ts",
    tests: MATRIX,
    changes: [
      ["if (!platform.features.tio) return Status.UNSUPPORTED;", ""],
      ["if (!isLong(layout, buffer)) return Status.INVALID_LENGTH;", ""],
      [
        "const pending = live.pending ? (row[3] as number) : Status.SUCCESS;",
        "const pending = Status.SUCCESS;",
      ],
      [
        "return status === Status.SUCCESS ? { ...call, page, tdi } : status;",
        "return { ...call, page, tdi };",
      ],
    ],
  },
  {
    file: "ts/psp/tio/command.ts",
    tests: CONNECT,
    changes: [
      ["    tio.cutOff(dev);\n    tio.endSession(dev);\n    tio.saveDevice", "    tio.saveDevice"],
      ["  command.broken?.(call);\n", ""],
      ["if (pending.object) return give(call, buffers, pending, pending.object);", ""],
      [
        'if (typeof answer === "number") return answer;',
        'if (typeof answer === "number") return Status.SPDM_ERROR;',
      ],
    ],
  },
  {
    file: "ts/psp/tio/buffer.ts",
    tests: CONNECT,
    changes: [
      ["if (header.getUint32(Buffer.FLAGS, true) !== 0) return Status.INVALID_PARAM;", ""],
      [
        "if (!inOrder || payload > from.capacity - Buffer.SIZE) return Status.INCORRECT_BUFFER_LENGTH;",
        "",
      ],
      [
        "if (view.getUint32(SpdmObject.LENGTH, true) !== payload) return Status.INCORRECT_BUFFER_LENGTH;",
        "",
      ],
    ],
  },
  {
    file: "ts/psp/tio/sla.ts",
    tests: CONNECT,
    changes: [
      ["if (sla & ~(PFN | TYPE)) return Status.INVALID_PARAM;", ""],
      [
        "if (!place || entry === 0n) return Status.INVALID_ADDRESS;",
        "if (!place) return Status.INVALID_ADDRESS;",
      ],
    ],
  },
  {
    file: "ts/psp/command/tio-dev-create.ts",
    tests: CONNECT,
    changes: [
      ["if (!tio.rootPort(device)) return Status.INVALID_PARAM;", ""],
      ["if (known) return Status.IN_USE;", ""],
    ],
  },
  {
    file: "ts/psp/command/tio-dev-certificates.ts",
    tests: CONNECT,
    changes: [["return () => Status.DEV_CERT_CHANGED;", "return () => Status.SUCCESS;"]],
  },
  {
    file: "ts/psp/command/tio-tdi-create.ts",
    tests: TDI,
    changes: [
      ["if (isKnown) return Status.IN_USE;", ""],
      ["ridOf(tdi) === ridOf(made)", "tdi.functionId === made.functionId"],
    ],
  },
  {
    file: "ts/psp/command/tio-tdi-bind.ts",
    tests: TDI,
    changes: [
      ["if (tdi.gctx !== gctx) return Status.INVALID_GUEST;", ""],
      [
        'if (typeof guest === "number") return guest;',
        'if (typeof guest === "number") return Status.SUCCESS;',
      ],
      [
        "if ((yield* tdisp.state(functionId)) !== Tdisp.CONFIG_UNLOCKED) yield* tdisp.stop(functionId);",
        "",
      ],
      ["  if (!fits(report)) {\n    yield* tdisp.stop(functionId);", "  if (!fits(report)) {"],
    ],
  },
  {
    file: "ts/psp/command/snp-decommission.ts",
    tests: REQUEST,
    changes: [["if (psp.tio.holds(gctx)) return Status.IN_USE;", ""]],
  },
  {
    file: "ts/psp/request/tio-entry.ts",
    tests: REQUEST,
    changes: [
      [
        'if (tdi.gctx !== gctx || view.getUint16(0, true) !== tdi.guestDeviceId) return "invalid";',
        'if (tdi.gctx !== gctx) return "invalid";',
      ],
      [
        'if (tdi.gctx !== gctx || view.getUint16(0, true) !== tdi.guestDeviceId) return "invalid";',
        'if (view.getUint16(0, true) !== tdi.guestDeviceId) return "invalid";',
      ],
    ],
  },
  {
    file: "ts/psp/request/tio-mmio-validate.ts",
    tests: REQUEST,
    changes: [
      [
        "if (!range) return Told.VALIDATE_OUT_OF_RANGE;",
        "if (!range) return Told.VALIDATE_NOT_IO;",
      ],
      ["if (range.attributes & NOT_THE_GUESTS) return Told.VALIDATE_NOT_REPORTED;", ""],
      ["if (!tio.board?.isMmio(spa)) return Told.VALIDATE_NOT_IO;", ""],
      ["if (page.asid !== asid) return Told.VALIDATE_NOT_ASSIGNED;", ""],
      ["return page.gpa === gpa ? {", "return true ? {"],
      [
        "return uniform || bitOf(flags, Request.FORCE_VALIDATED_BIT) ? pages",
        "return true ? pages",
      ],
    ],
  },
  {
    file: "ts/psp/request/tio-sdte-write.ts",
    tests: REQUEST,
    changes: [
      ["return isFree && vmplOf(asked) >= asked.vmpl ?", "return isFree ?"],
      ["return isFree && vmplOf(asked) >= asked.vmpl ?", "return vmplOf(asked) >= asked.vmpl ?"],
      ["else tio.board?.sdteClear(ridOf(tdi));", ""],
    ],
  },
  {
    file: "ts/psp/tio/tio.ts",
    tests: REQUEST,
    changes: [
      ["    this.board?.sdteClear(ridOf(tdi));\n", ""],
      ["for (const spa of this.validated(page)) clearValidated(this.#port, spa, tdi.asid);", ""],
      [
        "for (const id of device.streamIds) if (id !== NO_STREAM) this.rootPort(device)?.stop(id);",
        "",
      ],
    ],
  },
  {
    file: "ts/guest/tio/tsm.ts",
    tests: GUEST,
    changes: [
      ["      yield* this.#operate(rid, Tio.OP_UNBIND);\n      if (error", "      if (error"],
      ["matchDigests(evidence, info);", ""],
      [
        'if (kept.driver || kept.state !== "unlocked") throw',
        'if (kept.state !== "unlocked") throw',
      ],
    ],
  },
  {
    file: "ts/guest/tio/evidence.ts",
    tests: GUEST,
    changes: [
      ["if (fault) throw", "if (false) throw"],
      ['    throw new BadInput("measurements: signed over another nonce than ours");', "    {}"],
    ],
  },
];
