// VMRUN's consistency checks: one thing wrong, one code, and nothing of the guest has run. Spec digest vmcb-vmsa.md 5, rmp.md 6.
import type { Generation } from "../../dist/chip/chip.js";
import type { Step } from "../../dist/guest/cpu.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import * as Rmp from "../../ts/abi/rmp.ts";
import * as Segment from "../../ts/abi/segment.ts";
import * as Feature from "../../ts/abi/sev-features.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { bit } from "../core.ts";
import { assert, suite } from "../kit.ts";
import {
  ALL,
  asid,
  borrowed,
  ES,
  features,
  field,
  flip,
  guest,
  inject,
  long,
  rmp,
  SEV,
  SNP,
  state,
  withApic,
} from "./changed.ts";
import { type Rig, rig, runTo, vmsaOf } from "./rig.ts";

const test = suite("VMRUN");

const INVALID = BigInt.asUintN(64, BigInt(Code.VMEXIT_INVALID));
const BUSY = BigInt.asUintN(64, BigInt(Code.VMEXIT_BUSY));
const IDLE_REQUIRED = BigInt.asUintN(64, BigInt(Code.VMEXIT_IDLE_REQUIRED));

type Row = [what: string, on: Generation[], wrong: (made: Rig) => void, code?: bigint];

const BEYOND = 1n << 46n;

const rows: Row[] = [
  // the VMCB of any guest
  ["VMRUN not intercepted", ALL, field(0x10, (old) => old & ~1n)],
  ["ASID 0", ALL, asid(0)],
  ["an ASID no key slot has", ALL, asid(1024)],
  ["no nested paging", ALL, field(Layout.NESTED_CTL, (old) => old & ~bit(Layout.NP_ENABLE_BIT))],
  ["nCR3 beyond the address width", SEV, field(Layout.NCR3, (old) => old | BEYOND)],
  ["nCR3 beyond memory", ALL, field(Layout.NCR3, () => 1n << 40n)],
  ["a port map beyond the address width", SEV, field(Layout.IOPM_BASE_PA, (old) => old | BEYOND)],
  [
    "a port map that ends beyond memory",
    ALL,
    field(Layout.IOPM_BASE_PA, () => (64n << 30n) - 0x2000n),
  ],
  ["a port map that ends where memory begins", ALL, field(Layout.IOPM_BASE_PA, () => -0x1000n)],
  ["an MSR map beyond memory", ALL, field(Layout.MSRPM_BASE_PA, () => 64n << 30n)],
  [
    "a virtual APIC's page beyond memory",
    ALL,
    (made) => {
      made.vcpu.vmcb.setU32(Layout.INT_CTL, 2 ** Layout.AVIC_BIT);
      made.vcpu.vmcb.setU64(Layout.AVIC_BACKING_PAGE, 64n << 30n);
    },
  ],
  [
    "a virtual APIC's page that is not the hypervisor's",
    SNP,
    (made) => {
      made.vcpu.vmcb.setU32(Layout.INT_CTL, 2 ** Layout.AVIC_BIT);
      made.vcpu.vmcb.setU64(Layout.AVIC_BACKING_PAGE, vmsaOf(made));
    },
  ],
  // the state of any guest
  ["EFER.SVME clear", ALL, state(Vmsa.EFER, (old) => old & ~bit(Vmsa.EFER_SVME_BIT))],
  ["CR0.NW without CR0.CD", ALL, state(Vmsa.CR0, (old) => old | bit(Vmsa.CR0_NW_BIT))],
  ["CR0 above bit 31", ALL, state(Vmsa.CR0, (old) => old | bit(32))],
  ["CR3 beyond the address width", SEV, state(Vmsa.CR3, (old) => old | BEYOND)],
  ["CR4 above bit 31", ALL, state(Vmsa.CR4, (old) => old | bit(32))],
  ["DR6 above bit 31", ALL, state(Vmsa.DR6, (old) => old | bit(32))],
  ["DR7 above bit 31", ALL, state(Vmsa.DR7, (old) => old | bit(32))],
  ["EFER above bit 31", ALL, state(Vmsa.EFER, (old) => old | bit(32))],
  [
    "long mode paging without CR4.PAE",
    ALL,
    long((made) => state(Vmsa.CR4, (old) => old & ~bit(Vmsa.CR4_PAE_BIT))(made)),
  ],
  [
    "long mode paging without CR0.PE",
    ALL,
    long((made) => state(Vmsa.CR0, (old) => old & ~bit(Vmsa.CR0_PE_BIT))(made)),
  ],
  [
    "a code segment of 64 and 32 bits at once",
    ALL,
    long((made) =>
      state(
        Vmsa.CS,
        (old) => old | (0b11n << BigInt(8 * Segment.ATTRIB + Vmsa.ATTRIB_LONG_BIT)),
      )(made),
    ),
  ],
  [
    "paging of 32-bit modes",
    ALL,
    state(Vmsa.CR0, (old) => old | bit(Vmsa.CR0_PG_BIT) | bit(Vmsa.CR0_PE_BIT)),
  ],
  // events
  ["an event of type 1", ALL, inject(1, 32)],
  ["an event of type 5", ALL, inject(5, 32)],
  ["NMI as an exception", ALL, inject(Layout.EVENT_EXCEPTION, 2)],
  ["an exception above 31", ALL, inject(Layout.EVENT_EXCEPTION, 32)],
  ["a software interrupt into encrypted state", ES, inject(Layout.EVENT_SOFTWARE, 0x80)],
  ["#BP into encrypted state", ES, inject(Layout.EVENT_EXCEPTION, 3)],
  ["#OF into encrypted state", ES, inject(Layout.EVENT_EXCEPTION, 4)],
  // SEV
  ["SmmLock clear", SEV, (made) => void made.platform.core.host.wrmsr(Msr.HWCR, 0n)],
  ["an ASID above the part's", SEV, (made) => borrowed(made, 1007)],
  ["an ASID without a guest", SEV, (made) => asid(made.vm.asid + 1)(made)],
  ["an ASID of the SEV-ES range for a guest without SEV-ES", ["sev"], (made) => borrowed(made, 1)],
  ["SEV-ES without SEV", ES, field(Layout.NESTED_CTL, (old) => old & ~bit(Layout.SEV_BIT))],
  // the VMSA
  ["a VMSA pointer that is no page's", ES, field(Layout.VMSA_PTR, (old) => old | 0x800n)],
  ["a VMSA beyond memory", ES, field(Layout.VMSA_PTR, () => 64n << 30n)],
  ["LBR virtualisation off", ES, field(Layout.VIRT_EXT, () => 0n)],
  ["a VMSA that nobody placed", ["sev-es"], field(Layout.VMSA_PTR, (old) => old + 0x10000n)],
  ["a VMSA the host changed one bit of", ["sev-es"], (made) => flip(made, 0x10)],
  ["a VMSA changed where nothing is", ["sev-es"], (made) => flip(made, 0xfff)],
  // Every word counts for itself: the host's changes are of 16 bytes, through the cipher.
  ...[0xf00, 0xf08, 0xf10, 0xf18].map(
    (offset): Row => [
      `a VMSA with another word at 0x${offset.toString(16)}`,
      ["sev-es"],
      (made) => {
        const spa = vmsaOf(made) + BigInt(offset);
        made.platform.core.firmware.write(spa, made.vm.asid, Uint8Array.of(1));
      },
    ],
  ),
  ["SNPActive in a VMSA of the hypervisor's", ["sev-es"], features(1n)],
  [
    "a VMSA without SNPActive in a page of the guest's",
    SNP,
    state(Vmsa.SEV_FEATURES, (old) => old & ~1n),
  ],
  ["a VMSA of another ASID", SNP, rmp((low) => low ^ (1n << BigInt(Rmp.ASID_LSB)))],
  ["a VMSA in use", SNP, rmp((low) => low | bit(Rmp.LOCK_BIT))],
  ["a VMSA of 2 MiB", SNP, rmp((low) => low | bit(Rmp.PAGE_SIZE_BIT))],
  ["a VMSA that is being swapped", SNP, rmp((low) => low | bit(Rmp.IMMUTABLE_BIT))],
  ["a page that is no VMSA", SNP, rmp((low) => low & ~bit(Rmp.VMSA_BIT))],
  ["a VMSA that is not validated", SNP, rmp((low) => low & ~bit(Rmp.VALIDATED_BIT))],
  ["a VMSA of another VMPL than there are", ES, state(0xc8, (old) => old | (4n << 16n))],
  ["a VMPL without SNP", ["sev-es"], state(0xc8, (old) => old | (1n << 16n))],
  ["a feature the part has not", ES, features(bit(Feature.SECURE_AVIC_BIT))],
  [
    "a feature the hypervisor has not allowed",
    SNP,
    (made) => {
      features(bit(Feature.DEBUG_SWAP_BIT))(made);
      field(Layout.ALLOWED_SEV_FEATURES, () => bit(Layout.ALLOWED_ENABLE_BIT) | 1n)(made);
    },
  ],
  [
    "restricted and alternate injection at once",
    SNP,
    features(bit(Feature.RESTRICTED_INJECTION_BIT) | bit(Feature.ALTERNATE_INJECTION_BIT)),
  ],
  ["restricted injection and a virtual APIC", SNP, withApic(Feature.RESTRICTED_INJECTION_BIT)],
  ["alternate injection and a virtual APIC", SNP, withApic(Feature.ALTERNATE_INJECTION_BIT)],
  [
    "a vCPU its VMPL0 is at work on",
    SNP,
    (made) => {
      features(bit(Feature.ALTERNATE_INJECTION_BIT))(made);
      state(Vmsa.VINTR_CTRL, () => bit(Vmsa.BUSY_BIT))(made);
    },
    BUSY,
  ],
  [
    "a busy sibling under SMT protection",
    SNP,
    (made) => {
      features(bit(Feature.SMT_PROTECTION_BIT))(made);
      made.platform.core.host.setSibling(true);
    },
    IDLE_REQUIRED,
  ],
];

for (const [what, on, wrong, code = INVALID] of rows) {
  test(`${what}: refused with ${BigInt.asIntN(64, code)}`, () => {
    for (const generation of on) {
      const ran = { times: 0 };
      const made = guest(generation, ran);
      wrong(made);
      const exit = made.vcpu.run();
      assert.is(exit.kind, Code.VMEXIT, generation);
      assert.is(exit.code, code, generation);
      assert.equal([exit.info1, exit.info2], [0n, 0n]);
      assert.is(ran.times, 0, generation);
    }
  });
}

test("a VMSA beyond memory is refused before it is opened", () => {
  for (const generation of ES) {
    const made = guest(generation, { times: 0 });
    const { core } = made.platform;
    field(Layout.VMSA_PTR, () => 64n << 30n)(made);
    const before = core.framesInUse();
    assert.is(made.vcpu.run().code, INVALID);
    assert.is(core.framesInUse(), before, generation);
  }
});

test("what is no VMCB of the hypervisor's is a general protection fault of the host", () => {
  const ran = { times: 0 };
  const made = guest("sev-snp", ran);
  const { host } = made.platform.core;
  const vmcb = made.vcpu.vmcb.spa;
  for (const wrong of [vmcb + 8n, 64n << 30n, 1n << 60n, vmsaOf(made)]) {
    for (const act of [host.vmrun, host.vmload, host.vmsave]) {
      // Another fault first, for the record to say what this one was.
      assert.not(host.write(vmsaOf(made), new Uint8Array(1)));
      assert.is(host.exit().code, BigInt(Code.PF));
      assert.not(act(wrong), `0x${wrong.toString(16)}`);
      assert.equal([host.exit().kind, host.exit().code], [Code.HOST_FAULT, BigInt(Code.GP)]);
    }
  }
  assert.ok(host.wrmsr(Msr.VM_HSAVE_PA, 0n));
  assert.not(host.vmrun(vmcb));
  assert.is(host.exit().code, BigInt(Code.GP));
  assert.is(ran.times, 0);
});

test("a VMSA that the hypervisor replaces by an older one of its own ciphertext is refused", () => {
  const made = rig("sev-es", function* (cpu): Step {
    for (let value = 1n; ; value++) {
      cpu.registers.rbx = value;
      yield* cpu.hlt();
    }
  });
  const { host } = made.platform.core;
  runTo(made, Code.VMEXIT_HLT);
  const older = new Uint8Array(0x1000);
  host.read(vmsaOf(made), older);
  runTo(made, Code.VMEXIT_HLT);
  host.write(vmsaOf(made), older);
  assert.is(made.vcpu.run().code, INVALID);
});

test("a vCPU that runs is in use: the host can neither change nor run it, nor RMPUPDATE its pages", () => {
  for (const generation of ES) {
    let seen: unknown[] = [];
    const made: Rig = rig(generation, function* (cpu): Step {
      const { host } = made.platform.core;
      const spas = [made.vcpu.vmcb.spa, vmsaOf(made)];
      const state = {
        gpa: 0n,
        assigned: false,
        pageSize: "4k",
        immutable: false,
        asid: 0,
      } as const;
      if (generation === "sev-snp") seen = spas.map((spa) => host.rmpupdate(spa, state));
      const again = made.vcpu.run();
      seen.push(again.kind === Code.HOST_FAULT || again.code === INVALID);
      yield* cpu.hlt();
    });
    runTo(made, Code.VMEXIT_HLT);
    assert.equal(seen, generation === "sev-snp" ? [3, 3, true] : [true]);
  }
});
