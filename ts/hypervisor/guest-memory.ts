// What the hypervisor sees of a guest's memory when it emulates for it: its page tables and bytes as the host reads them, which for
// a SEV guest's private memory is ciphertext. KVM's kvm_read_guest_virt.
import * as Pte from "../abi/pte.ts";
import * as Vmsa from "../abi/vmsa.ts";
import type { HostPort } from "../port.ts";
import type { Vcpu } from "./vcpu.ts";
import type { Vm } from "./vm.ts";

const bit = (position: number) => 1n << BigInt(position);
const FRAME = ((1n << BigInt(Pte.FRAME_WIDTH)) - 1n) << BigInt(Pte.FRAME_LSB);

export class GuestMemory {
  readonly #vm: Vm;
  readonly #host: HostPort;
  readonly #encrypted: boolean;

  /** `encrypted`: the host keeps the guest's memory under its own key (SME). */
  constructor(vm: Vm, host: HostPort, encrypted: boolean) {
    this.#vm = vm;
    this.#host = host;
    this.#encrypted = encrypted;
  }

  /** Reads bytes of one page at a gpa. False where nothing backs it. */
  read(gpa: bigint, into: Uint8Array): boolean {
    const spa = this.#vm.spaOf(gpa);
    return spa !== undefined && this.#host.read(spa, into, this.#encrypted);
  }

  write(gpa: bigint, from: Uint8Array): boolean {
    const spa = this.#vm.spaOf(gpa);
    return spa !== undefined && this.#host.write(spa, from, this.#encrypted);
  }

  /** The gpa of a gva by the guest's own tables, as far as the hypervisor can read them. */
  gpaOf(vcpu: Vcpu, gva: bigint): bigint | undefined {
    if ((vcpu.vmcb.saved(Vmsa.CR0) & bit(Vmsa.CR0_PG_BIT)) === 0n) return gva;
    let table = vcpu.vmcb.saved(Vmsa.CR3) & FRAME;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    for (let level = 3n; ; level--) {
      const index = (gva >> (12n + 9n * level)) & 511n;
      if (!this.read(table + 8n * index, bytes)) return undefined;
      const entry = view.getBigUint64(0, true);
      if ((entry & bit(Pte.PRESENT_BIT)) === 0n) return undefined;
      const large = level > 0n && (entry & bit(Pte.LARGE_BIT)) !== 0n;
      const within = (1n << (12n + 9n * level)) - 1n;
      if (level === 0n || large) return (entry & FRAME & ~within) | (gva & within);
      table = entry & FRAME;
    }
  }
}
