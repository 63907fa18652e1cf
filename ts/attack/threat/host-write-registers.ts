// host-write-registers: while the guest is out, the hypervisor changes a register: by name, or as ciphertext in the VMSA.
import * as Layout from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Attack, Outcome } from "../attack.ts";
import type { Scene } from "../scene.ts";

const EVIL = 0x4141414141414141n;
const BLOCK = 16;

export const hostWriteRegisters: Attack = {
  threat: "host-write-registers",
  title: "while the guest is out, the hypervisor changes RBX",
  run(scene) {
    scene.advance();
    if (scene.features.es) alterVmsa(scene);
    else {
      scene.vcpu.setRegister(Vmsa.RBX, EVIL);
      scene.note("the host set RBX");
    }
    scene.advance();
    return verdict(scene);
  },
};

/** Other bytes over the block that holds RBX. Where the host may not store, it takes the page away first and gives it back. */
function alterVmsa(scene: Scene): void {
  const page = scene.vcpu.vmcb.u64(Layout.VMSA_PTR);
  const block = page + BigInt(Vmsa.RBX & ~(BLOCK - 1));
  const bytes = new Uint8Array(BLOCK).fill(0x41);
  if (scene.write(block, bytes)) return;
  scene.takeBack(page);
  scene.write(block, bytes);
  scene.assign(page, 0xffff_ffff_f000n);
}

function verdict({ ended, witness, refusal }: Scene): Outcome {
  if (ended !== undefined) return { protected: true, got: "fault", via: ended };
  if (witness.rbx === witness.register)
    return { protected: true, got: "nothing", via: refusal ?? "the guest had its own value" };
  return { protected: false, got: "altered register", via: "the guest went on with it" };
}
