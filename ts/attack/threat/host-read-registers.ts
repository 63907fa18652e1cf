// host-read-registers: after #VMEXIT the hypervisor looks for the guest's registers: in its own, in the VMCB, in the VMSA.
import * as Layout from "../../abi/vmcb.ts";
import type { Attack } from "../attack.ts";
import { holds, verdictOnReading } from "../verdict.ts";

export const hostReadRegisters: Attack = {
  threat: "host-read-registers",
  title: "after #VMEXIT the hypervisor looks for RBX where registers are kept",
  run(scene) {
    scene.advance();
    const { vcpu, host, witness, features } = scene;
    const secret = new Uint8Array(8);
    new DataView(secret.buffer).setBigUint64(0, witness.register, true);
    const own = new Uint8Array(vcpu.registers.slice().buffer);
    const page = new Uint8Array(0x1000);
    vcpu.vmcb.read(0, page);
    const places: [string, Uint8Array][] = [
      ["the registers at #VMEXIT", own],
      ["the VMCB's save area", page],
    ];
    if (features.es) {
      const vmsa = new Uint8Array(0x1000);
      host.read(vcpu.vmcb.u64(Layout.VMSA_PTR), vmsa);
      places.push(["the VMSA", vmsa]);
    }
    for (const [where, bytes] of places) {
      scene.note(`the host read ${bytes.length} bytes of ${where}`);
      if (holds(bytes, secret)) return verdictOnReading(true, where);
    }
    return verdictOnReading(false, places.map(([where]) => where).join(", "));
  },
};
