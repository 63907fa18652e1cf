// What VMRUN lets in: a guest runs, in every generation, whose VMCB and state lack nothing that is asked for.
import type { Generation } from "../../dist/chip/chip.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Feature from "../../ts/abi/sev-features.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { bit } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { ALL, codeSegment, features, field, guest, long, SNP, state } from "./changed.ts";
import { ENTRY, type Rig, runTo } from "./rig.ts";

const test = suite("VMRUN of what is consistent");

type Row = [what: string, on: Generation[], change: (made: Rig) => void];

// What one of the checks above would refuse if it looked at less.
const rows: Row[] = [
  [
    "maps and a virtual APIC that are not consulted lie beyond memory",
    ALL,
    (made) => {
      for (const code of [Code.VMEXIT_IOIO, Code.VMEXIT_MSR]) {
        const at = Layout.INTERCEPTS + (code >> 3);
        made.vcpu.vmcb.setU8(at, made.vcpu.vmcb.u8(at) & ~(1 << (code & 7)));
      }
      for (const at of [Layout.IOPM_BASE_PA, Layout.MSRPM_BASE_PA, Layout.AVIC_BACKING_PAGE])
        made.vcpu.vmcb.setU64(at, 64n << 30n);
    },
  ],
  [
    "CR0.NW with CR0.CD",
    ALL,
    state(Vmsa.CR0, (old) => old | bit(Vmsa.CR0_NW_BIT) | bit(Vmsa.CR0_CD_BIT)),
  ],
  [
    "a code segment of 64 bits",
    ALL,
    long((made) => {
      codeSegment(Vmsa.ATTRIB_LONG_BIT)(made);
      state(Vmsa.RIP, () => ENTRY)(made);
    }),
  ],
  ["a code segment of 32 bits in long mode", ALL, long(codeSegment(Vmsa.ATTRIB_DEFAULT_BIT))],
  ["BUSY without alternate injection", SNP, state(Vmsa.VINTR_CTRL, () => bit(Vmsa.BUSY_BIT))],
  [
    "a busy sibling without SMT protection",
    SNP,
    (made) => made.platform.core.host.setSibling(true),
  ],
  ["an idle sibling under SMT protection", SNP, features(bit(Feature.SMT_PROTECTION_BIT))],
  [
    "features beyond those allowed, where the hypervisor does not restrict them",
    SNP,
    (made) => {
      features(bit(Feature.DEBUG_SWAP_BIT))(made);
      field(Layout.ALLOWED_SEV_FEATURES, () => 1n)(made);
    },
  ],
];

for (const [what, on, change] of rows) {
  test(`${what}: the guest runs`, () => {
    for (const generation of on) {
      const ran = { times: 0 };
      const made = guest(generation, ran);
      change(made);
      runTo(made, Code.VMEXIT_HLT);
      assert.is(ran.times, 1, generation);
    }
  });
}

test("a guest whose VMCB and state are consistent runs, in every generation and in long mode", () => {
  for (const generation of [...ALL, "sme"] as Generation[]) {
    const ran = { times: 0 };
    const made = guest(generation, ran);
    long(() => {})(made);
    runTo(made, Code.VMEXIT_HLT);
    assert.is(ran.times, 1, generation);
  }
});
