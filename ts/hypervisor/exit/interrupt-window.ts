// Interrupts that wait until the guest takes them: a virtual interrupt that the hypervisor intercepts tells it when. KVM's
// svm_enable_irq_window and interrupt_window_interception; APM vol. 2, 15.21.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/vmcb.ts";
import * as Vmsa from "../../abi/vmsa.ts";
import type { Outcome } from "../exits.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";

const PENDING =
  2 ** Layout.V_IRQ_BIT + 15 * 2 ** Layout.V_INTR_PRIO_LSB + 2 ** Layout.V_IGN_TPR_BIT;
const FIELD = Layout.INTERCEPTS + (Code.VMEXIT_VINTR >> 3);
const BIT = 1 << (Code.VMEXIT_VINTR & 7);

/** An interrupt of a device's: injected at once where the guest takes interrupts and nothing else is injected, else when it does. */
export function interrupt(vcpu: Vcpu, vector: number): void {
  if (isOpen(vcpu)) return vcpu.inject(Layout.EVENT_INTR, vector);
  vcpu.waiting.push(vector);
  watch(vcpu, true);
}

/** Of a guest with encrypted state the VMCB shows RFLAGS.IF alone. */
function isOpen({ vmcb, es }: Vcpu): boolean {
  const injected = vmcb.u32(Layout.EVENTINJ) >>> Layout.EVENT_VALID_BIT !== 0;
  const enabled = es
    ? (vmcb.u32(Layout.INTERRUPT_STATE) >> Layout.GUEST_INTERRUPT_MASK_BIT) & 1
    : Number((vmcb.saved(Vmsa.RFLAGS) >> BigInt(Vmsa.RFLAGS_IF_BIT)) & 1n);
  return enabled === 1 && !injected;
}

/** Begins or ends waiting: a virtual interrupt that is never taken, for it is intercepted. */
function watch({ vmcb }: Vcpu, on: boolean): void {
  const intercepts = vmcb.u8(FIELD);
  vmcb.setU8(FIELD, on ? intercepts | BIT : intercepts & ~BIT);
  const control = vmcb.u32(Layout.INT_CTL);
  vmcb.setU32(Layout.INT_CTL, (on ? control | PENDING : control & ~PENDING) >>> 0);
}

/** VMEXIT_VINTR: the guest takes interrupts now. */
export function interruptWindow(_: Vm, vcpu: Vcpu): Outcome {
  const vector = vcpu.waiting.shift();
  if (vcpu.waiting.length === 0) watch(vcpu, false);
  if (vector !== undefined) vcpu.inject(Layout.EVENT_INTR, vector);
  return "runs";
}
