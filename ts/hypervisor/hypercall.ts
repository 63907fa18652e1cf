// Hypercalls: there are none. What KVM answers one that it does not know, and one that is not from CPL 0. Linux kvm_para.h.
const KVM_ENOSYS = -1000n;
const KVM_EPERM = -1n;

/** What RAX becomes. */
export function hypercall(cpl: number): bigint {
  return BigInt.asUintN(64, cpl === 0 ? KVM_ENOSYS : KVM_EPERM);
}
