// A machine whose resident memory is full says so, and what it was about to do is not half done.
import { Vcpu } from "../../dist/hypervisor/vcpu.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Rmp from "../../ts/abi/rmp.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import type { HostPort } from "../../ts/port.ts";
import { bit, PAGE } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { ALL, guest } from "./changed.ts";
import { type Rig, rig, routine, vmsaOf } from "./rig.ts";

const test = suite("out of frames");

const INVALID = BigInt.asUintN(64, BigInt(Code.VMEXIT_INVALID));
const FAR = 32n << 30n;

/** The host writes to pages until none more can be held. What has a copy on the chips gives way. */
function fill(host: HostPort): void {
  let spa = FAR + (1n << 30n);
  while (host.write(spa, Uint8Array.of(1))) spa += PAGE;
  assert.throws(() => host.exit(), /resident memory: all 64 MiB are in use/);
}

test("a guest meets no #VC where the machine is out of frames: whoever runs it is told", () => {
  for (const generation of ALL) {
    let met = 0;
    const made: Rig = rig(generation, function* (cpu) {
      cpu.on(
        Code.VC,
        routine(() => met++),
      );
      made.platform.core.host.wbinvd();
      fill(made.platform.core.host);
      yield* cpu.cpuid(0, 0);
      met++;
    });
    assert.throws(() => {
      for (let exits = 0; exits < 100; exits++) made.vm.serve(made.vcpu, made.vcpu.run());
    }, /resident memory: all 64 MiB are in use/);
    assert.is(met, 0, generation);
  }
});

test("VMRUN that finds no frame for the RMP entry of the VMSA leaves the VMCB as it was, not in use", () => {
  const made = guest("sev-snp", { times: 0 });
  const { platform, vm } = made;
  const { firmware, host } = platform.core;
  // Its guest becomes one of SEV-ES, for the page of an SNP guest's VMSA has its entry before VMRUN.
  const vmsa = new Uint8Array(0x1000);
  firmware.read(vmsaOf(made), vm.asid, vmsa);
  new DataView(vmsa.buffer).setBigUint64(Vmsa.SEV_FEATURES, 0n, true);
  // From here on the VMCB and the VMSA stay open, for the chips have no copy of them.
  host.wbinvd();
  const page = new Uint8Array(0x1000);
  made.vcpu.vmcb.read(0, page);
  const spa = platform.hypervisor.parts.pages.small();
  host.write(spa, page);
  const vcpu = new Vcpu(1, { host, vmcb: spa, cBit: 0n, es: true });
  const place = (at: bigint) => {
    firmware.write(at, vm.asid, vmsa);
    firmware.noteVmsa(at, vm.asid);
    vcpu.vmcb.setU64(Layout.VMSA_PTR, at);
  };
  place(FAR);
  assert.is(vcpu.run().code, BigInt(Code.VMEXIT_HLT), "with frames it runs");
  place(FAR + (1n << 24n));
  fill(host);
  assert.is(vcpu.run().code, INVALID);
  assert.is(firmware.rmp(spa).low & bit(Rmp.LOCK_BIT), 0n);
  assert.ok(host.write(spa, page), "the hypervisor may write its VMCB");
});
