// The guest's half of the GHCB: what its library doubts of a reply, and what its SVSM refuses the guest below.
import type { Mutants } from "./mutant.ts";

const HOSTILE = ["guest/hostile.test.ts"];
const VC = ["guest/vc.test.ts"];
const OWN = ["guest/vc-own.test.ts"];
const CPUID = ["guest/cpuid-page.test.ts"];
const SVSM = ["guest/svsm.test.ts"];
const VCPUS = ["guest/svsm-vcpu.test.ts"];

export const ghcbGuest: Mutants[] = [
  {
    file: "ts/guest/ghcb.ts",
    tests: HOSTILE,
    changes: [
      ['if (!this.has(Layout.SW_EXITINFO1)) return "vmm-error";', ""],
      [
        "answer !== Layout.EXCEPTION || !this.has(Layout.SW_EXITINFO2)",
        "!this.has(Layout.SW_EXITINFO2)",
      ],
      [
        "answer !== Layout.EXCEPTION || !this.has(Layout.SW_EXITINFO2)",
        "answer !== Layout.EXCEPTION",
      ],
      ['if (!field(Vmcb.EVENT_VALID_BIT, 1)) return "vmm-error";', ""],
      [
        "if (field(Vmcb.EVENT_TYPE_LSB, Vmcb.EVENT_TYPE_WIDTH) !== Vmcb.EVENT_EXCEPTION)",
        "if (false)",
      ],
      ['if (vector !== Code.GP && vector !== Code.UD) return "vmm-error";', ""],
      ["field(Vmcb.EVENT_ERROR_VALID_BIT, 1) ? event", "true ? event"],
    ],
  },
  {
    file: "ts/guest/ghcb.ts",
    tests: VC,
    changes: [["    this.#bytes.set(bytes);\n", ""]],
  },
  {
    file: "ts/guest/vc.ts",
    tests: VC,
    changes: [
      ["const kept = outer ? yield* ghcb.keep(cpu) : undefined;", "const kept = undefined;"],
    ],
  },
  {
    file: "ts/guest/vc/instruction.ts",
    tests: HOSTILE,
    changes: [
      ['if (!has(ghcb, CPUID_ANSWERS)) return "vmm-error";', ""],
      ["if (leaf === RANGES) return eax < ENCRYPTION;", ""],
      ["return leaf === ENCRYPTION && (eax & SEV) === 0;", "return false;"],
      ['if (!ghcb.has(Layout.RAX)) return "vmm-error";', ""],
    ],
  },
  {
    file: "ts/guest/vc/instruction.ts",
    tests: VC,
    changes: [
      ["ghcb.setCpl(cpu.interruptedCpl);", "ghcb.setCpl(0);"],
      ["if (leaf === XSTATE) setXstate(cpu, ghcb);", ""],
    ],
  },
  {
    file: "ts/guest/vc/instruction.ts",
    tests: OWN,
    changes: [['if (isOn(guest, Features.SECURE_TSC_BIT)) return "vmm-error";', ""]],
  },
  {
    file: "ts/guest/vc/debug.ts",
    tests: VC,
    changes: [
      ["if (registers.rax >> WIDTH !== 0n) {", "if (false) {"],
      ["(registers.rax & ~BigInt(Debug.DR7_ZEROS)) | BigInt(Debug.DR7_ONES)", "registers.rax"],
    ],
  },
  {
    file: "ts/guest/vc/mmio.ts",
    tests: OWN,
    changes: [["!found || found.encrypted", "!found"]],
  },
  {
    file: "ts/guest/vc/msr.ts",
    tests: HOSTILE,
    changes: [["!ghcb.has(Layout.RAX) || !ghcb.has(Layout.RDX)", "false"]],
  },
  {
    file: "ts/guest/vc/msr.ts",
    tests: OWN,
    changes: [
      ['if (secure && number === Msr.GUEST_TSC_FREQ) return "vmm-error";', ""],
      ["number === Msr.SVSM_CAA || (secure && number === Msr.TSC)", "secure && number === Msr.TSC"],
    ],
  },
  {
    file: "ts/guest/vc/port.ts",
    tests: HOSTILE,
    changes: [['if (!ghcb.has(Layout.RAX)) return "vmm-error";', ""]],
  },
  {
    file: "ts/guest/vc/port.ts",
    tests: VC,
    changes: [
      ["ghcb.set(Layout.RAX, registers.rax & width)", "ghcb.set(Layout.RAX, registers.rax)"],
    ],
  },
  {
    file: "ts/guest/ghcb/msr-protocol.ts",
    tests: HOSTILE,
    changes: [
      ["(answer & INFO) === BigInt(response) ? answer : undefined", "answer"],
      ["most < Layout.VERSION_MIN || least > Layout.VERSION_MAX", "most < Layout.VERSION_MIN"],
      ["most < Layout.VERSION_MIN || least > Layout.VERSION_MAX", "least > Layout.VERSION_MAX"],
      [
        "if (Number(field(info, Protocol.INFO_C_BIT_LSB, Protocol.INFO_C_BIT_WIDTH)) !== cBit)",
        "if (false)",
      ],
      ["if (cpu.features.snp && !field(features, Layout.FEATURE_SNP_BIT, 1))", "if (false)"],
      [
        "if (answer === (gpa | BigInt(Protocol.REGISTER_GPA_RESPONSE))) return;",
        "if (answer !== undefined) return;",
      ],
      [
        "answer !== undefined && answer >> BigInt(Protocol.PSC_ERROR_LSB) === 0n",
        "answer !== undefined",
      ],
    ],
  },
  {
    file: "ts/guest/boot.ts",
    tests: HOSTILE,
    changes: [
      ["if (error !== BigInt(Code.VMEXIT_CPUID))", "if (false)"],
      ["if (eax !== Answer.SUCCESS || carry)", "if (eax !== Answer.SUCCESS)"],
      ["(leaf === ENCRYPTION && (answer.eax & SEV) === 0)", "false"],
    ],
  },
  {
    file: "ts/guest/ghcb/page-state.ts",
    tests: HOSTILE,
    changes: [
      ["if (eax === Answer.SUCCESS && !carry) return;", "if (eax === Answer.SUCCESS) return;"],
      ['verdict !== "ok" || !ghcb.has(Layout.SW_EXITINFO2)', "!ghcb.has(Layout.SW_EXITINFO2)"],
      ['verdict !== "ok" || !ghcb.has(Layout.SW_EXITINFO2)', 'verdict !== "ok"'],
      ["if (ghcb.get(Layout.SW_EXITINFO2) !== 0n) return yield* failPsc(cpu);", ""],
      ["if (view.getUint32(Psc.RESERVED_4, true) !== 0) return false;", ""],
      ["if (view.getUint16(Psc.END_ENTRY, true) !== asked.length - 1) return false;", ""],
      ["current < before || current > asked.length", "current > asked.length"],
      ["current < before || current > asked.length", "current < before"],
      ["& ASKED) === entry", "& 0n) === 0n"],
    ],
  },
  {
    file: "ts/guest/ghcb/cpuid.ts",
    tests: HOSTILE,
    changes: [
      ["count === 0 || count > Page.MOST_ENTRIES", "count > Page.MOST_ENTRIES"],
      ["count === 0 || count > Page.MOST_ENTRIES", "count === 0"],
    ],
  },
  {
    file: "ts/guest/ghcb/cpuid.ts",
    tests: CPUID,
    changes: [
      ["if (leaf === XSTATE && subleaf <= 1 && !base) continue;", ""],
      ["(indexed && row.subleaf !== subleaf)", "row.subleaf !== subleaf"],
      ["found === (enabled & ~X87_AND_SSE) ? size : undefined", "size"],
      ["((own & ~mask) | (theirs & mask)) >>> 0", "theirs"],
    ],
  },
  {
    file: "ts/guest/svsm/svsm.ts",
    tests: SVSM,
    changes: [
      ["gpa < memory.gpa || gpa + bytes > memory.gpa + memory.bytes", "gpa < memory.gpa"],

      ["return gpa % PAGE === 0n && this", "return this"],
      ["if (protocol !== Layout.PROTOCOL_CORE) return Layout.UNSUPPORTED_PROTOCOL;", ""],
    ],
  },
  {
    file: "ts/guest/svsm/pvalidate.ts",
    tests: SVSM,
    changes: [
      ["gpa % 8n !== 0n || !svsm", "!svsm"],
      ["BigInt(entries) > room || next", "next"],
      ["|| next >= entries", ""],
      ["if (size > 1) return Layout.INVALID_PARAMETER;", ""],
      ["if (gpa % bytes !== 0n) return Layout.INVALID_PARAMETER;", ""],
      ["!svsm.isGuests(gpa, bytes) || holdsVmsa(svsm, gpa, bytes)", "holdsVmsa(svsm, gpa, bytes)"],
      ["!svsm.isGuests(gpa, bytes) || holdsVmsa(svsm, gpa, bytes)", "!svsm.isGuests(gpa, bytes)"],
      ["if (!validate) yield* permit(cpu, svsm, gva, large, 0);", ""],
      ["if (carry && !has(Request.IGNORE_CARRY_BIT)) return Layout.PVALIDATE_NO_CHANGE;", ""],
      ["  yield* cpu.write(gva, new Uint8Array(Number(bytes)));\n", ""],
    ],
  },
  {
    file: "ts/guest/svsm/create-vcpu.ts",
    tests: VCPUS,
    changes: [
      [
        "!svsm.isGuestPage(rcx) || !svsm.isGuestPage(rdx) || rcx === rdx",
        "!svsm.isGuestPage(rdx) || rcx === rdx",
      ],
      [
        "!svsm.isGuestPage(rcx) || !svsm.isGuestPage(rdx) || rcx === rdx",
        "!svsm.isGuestPage(rcx) || rcx === rdx",
      ],
      ["|| rcx === rdx", ""],
      ["if (svsm.vmsas.has(rcx) || svsm.vmsas.has(rdx)) return Layout.INVALID_ADDRESS;", ""],
      ["if (!svsm.options.apicIds.includes(apicId)) return Layout.INVALID_PARAMETER;", ""],
      ["if (view.getUint8(Vmsa.VMPL) !== options.vmpl) return false;", ""],
      ["if ((view.getBigUint64(Vmsa.EFER, true) & SVME) === 0n) return false;", ""],
      ["return view.getBigUint64(Vmsa.SEV_FEATURES, true) === options.features;", "return true;"],
      ["if ((yield* permit(cpu, svsm, gva, false, 0)) !== Answer.SUCCESS) return false;", ""],
      ["if (!svsm.vcpus.has(rcx)) return Layout.INVALID_PARAMETER;", ""],
      ["if (from.vmsa === rcx) return Layout.INVALID_REQUEST;", ""],
    ],
  },
  {
    file: "ts/guest/svsm/svsm.ts",
    tests: VCPUS,
    changes: [["gpa < memory.gpa || gpa + bytes", "gpa + bytes"]],
  },
  {
    file: "ts/guest/svsm/remap-ca.ts",
    tests: SVSM,
    changes: [["if (!svsm.isGuestPage(call.rcx)) return Layout.INVALID_PARAMETER;", ""]],
  },
  {
    file: "ts/guest/svsm/call.ts",
    tests: SVSM,
    changes: [
      ["if (pending[0] !== 0) return failed;", ""],
      ["if (view.getBigUint64(Secrets.SVSM_BYTES, true) === 0n)", "if (false)"],
      ["if (vmpl === 0) return yield* end(Protocol.LINUX_SVSM_VMPL0);", ""],
      ["if (gpa % PAGE !== 0n) return yield* end(Protocol.LINUX_SVSM_CAA);", ""],
    ],
  },
];
