// The hypervisor's half of the GHCB: what it validates of an event, a request, a scratch area and a batch.
import type { Mutants } from "./mutant.ts";

const MATRIX = ["hypervisor/ghcb-matrix.test.ts"];
const MSR = ["hypervisor/ghcb-msr.test.ts"];
const PSC = ["hypervisor/page-state-change.test.ts"];
const AP = ["guest/ap.test.ts"];
const INJECTION = ["guest/injection.test.ts"];
const REQUEST = ["guest/request.test.ts"];
const SVSM = ["guest/svsm.test.ts"];

export const ghcb: Mutants[] = [
  {
    file: "ts/hypervisor/ghcb/serve.ts",
    tests: MATRIX,
    changes: [
      ["if (vm.snp && levels[vmpl]?.registered !== gpa) return Layout.NOT_REGISTERED;", ""],
      ["if (page.usage !== Layout.USAGE_STANDARD) return Layout.INVALID_USAGE;", ""],
      ["for (const field of ALWAYS) if (!page.isValid(field)) return Layout.MISSING_INPUT;", ""],
      ["if (row.snp && !vm.snp) return Layout.MISSING_INPUT;", ""],
      [
        "for (const field of row.needs(page)) if (!page.isValid(field)) return Layout.MISSING_INPUT;",
        "",
      ],
      ["page.echo(Layout.RBX);", ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/page.ts",
    tests: MATRIX,
    changes: [
      ["if (this.#view.getUint32(Layout.SW_EXITCODE + 4, true) !== 0) return undefined;", ""],
      ["if (!this.isValid(field)) return this.set(field, 0n);", ""],
      ["    this.#bitmap.fill(0);\n", ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/scratch.ts",
    tests: MATRIX,
    changes: [
      ["at === 0n || end >> WHOLE !== 0n", "end >> WHOLE !== 0n"],
      ["offset < Layout.SHARED_BUFFER || offset", "offset"],
      ["offset < Layout.SHARED_BUFFER || offset + length > Layout.RESERVED_FF0", "offset < 0x800"],
      ["if (length > Layout.SCRATCH_PAGES * Layout.SIZE) return undefined;", ""],
      ["if (!readGuest(vm, at, bytes)) return undefined;", "readGuest(vm, at, bytes);"],
      ["spa === undefined || !act(spa, piece)", "spa === undefined || (act(spa, piece), false)"],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/device.ts",
    tests: MATRIX,
    changes: [
      [
        "if (bytes !== 1 && bytes !== 2 && bytes !== 4) return refuse(page, Layout.INVALID_INPUT);",
        "",
      ],
      ["bytes === 1n || bytes === 2n || bytes === 4n || bytes === 8n", "bytes !== 99n"],
      [
        'return !input || scratch.store() ? "runs"',
        'return !input || scratch.store() || true ? "runs"',
      ],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/instruction.ts",
    tests: MATRIX,
    changes: [
      [
        "if (value === undefined) return except(page, Code.GP);",
        'if (value === undefined) return "runs";',
      ],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/page-state-change.ts",
    tests: PSC,
    changes: [
      ["if (last >= Psc.ENTRIES) return invalid(Psc.INVALID_HEADER);", ""],
      ["view.byteLength && first <= last", "view.byteLength && false"],
      ["done > pages || gfn", "gfn"],
      ["done > pages || gfn % BigInt(pages) !== 0n", "done > pages"],
      [
        "if (!changeOne(vm, entry, gfn, done, pages)) return GENERIC;",
        "changeOne(vm, entry, gfn, done, pages);",
      ],
      ["if (operation !== Psc.PRIVATE && operation !== Psc.SHARED) return true;", ""],
      ["pages > 1 && done === 0", "pages > 1"],
      ["view.setUint16(Psc.CUR_ENTRY, index + 1, true);", ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/msr-protocol.ts",
    tests: MSR,
    changes: [
      ["found.snp && !vm.snp", "false"],
      ["const done = known && vm", "const done = vm"],
      ["if (level) level.registered = gpa;", ""],
      ["const can = hasLevel(vcpu, vmpl);", "const can = true;"],
      ['vcpu.ghcb.hold = "msr";', ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/vmpl.ts",
    tests: MATRIX,
    changes: [["if (!hasLevel(vcpu, vmpl)) return refuse(page, Layout.INVALID_INPUT);", ""]],
  },
  {
    file: "ts/hypervisor/ghcb/vmpl.ts",
    tests: SVSM,
    changes: [
      ["from.ghcb = vmcb.u64(Vmcb.GHCB_PA);", ""],
      ["from.vmsa ??= vmcb.u64(Vmcb.VMSA_PTR);", ""],
      ["vmcb.setU64(Vmcb.GHCB_PA, to.ghcb);", ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/processor.ts",
    tests: AP,
    changes: [
      ["!target || !level", "!target"],
      [
        "if (page.get(Layout.RAX) !== vcpu.vmcb.u64(Vmcb.GUEST_SEV_FEATURES)) return undefined;",
        "",
      ],
      ["gpa % PAGE !== 0n || gpa % LARGE === 0n", "gpa % LARGE === 0n"],
      ["gpa % PAGE !== 0n || gpa % LARGE === 0n", "gpa % PAGE !== 0n"],
      ["!known || vmsa === undefined", "vmsa === undefined"],
      ["if (vmpl === target.ghcb.vmpl) target.halted = true;", ""],
      [
        "if (request === Layout.AP_CREATE_ON_INIT) target.ghcb.onInit = { vmpl, vmsa };\n  else enter",
        "enter",
      ],
      ["if (hold === undefined) return;", ""],
      ["ghcb.page.answer(0n, 1n);", ""],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/processor.ts",
    tests: MATRIX,
    changes: [["if (gpa % PAGE !== 0n) return refuse(page, Layout.INVALID_INPUT);", ""]],
  },
  {
    file: "ts/hypervisor/ghcb/injection.ts",
    tests: MATRIX,
    changes: [
      ["gpa === 0n || gpa % PAGE !== 0n || vm", "gpa % PAGE !== 0n || vm"],
      ["gpa === 0n || gpa % PAGE !== 0n || vm", "gpa === 0n || vm"],
      ["if (targets.length === 0) return refuse(page, Layout.INVALID_INPUT);", ""],
      ["mode !== FIXED && mode !== NMI && mode !== INIT && mode !== SIPI", "false"],
      ["if (!target) return refuse(page, Layout.INVALID_INPUT);", 'if (!target) return "runs";'],
      ["|| !page.isValid(Layout.RBX) ", ""],
      ["info1 < FIRST_VECTOR || info1", "info1"],
      ["info1 < FIRST_VECTOR || info1 > LAST_VECTOR", "info1 < FIRST_VECTOR"],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/injection.ts",
    tests: INJECTION,
    changes: [
      ["if ((flags & (1 << Doorbell.NO_FURTHER_SIGNAL_BIT)) === 0)", ""],
      ["bytes[Doorbell.FLAGS] = flags | (1 << Doorbell.NO_FURTHER_SIGNAL_BIT);", ""],
      ["if (((features >> BigInt(Features.RESTRICTED_INJECTION_BIT)) & 1n) === 1n)", "if (false)"],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/guest-request.ts",
    tests: MATRIX,
    changes: [
      ["return info1 % PAGE === 0n && info2", "return info2"],
      ["&& info2 % PAGE === 0n && info1", "&& info1"],
      ["info2 % PAGE === 0n && info1 !== info2", "info2 % PAGE === 0n"],
    ],
  },
  {
    file: "ts/hypervisor/ghcb/guest-request.ts",
    tests: REQUEST,
    changes: [
      ["!page.isValid(Layout.RAX) || gpa % PAGE !== 0n", "false"],
      ["if (header[Header.MSG_TYPE] !== REPORT_REQUEST) return carry(event);", ""],
      ["if (pages < needed) {", "if (false) {"],
      [
        "if (response && !writeGuest(vm, info2, response)) return",
        "if (response) writeGuest(vm, info2, response);\n  if (false) return",
      ],
    ],
  },
];
