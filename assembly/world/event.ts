// Events that VMRUN injects, and virtual interrupts. Who may inject what: APM vol. 2, 15.20, 15.35.4 and 15.36.15; vmcb-vmsa.md 5.
import * as Exit from "../../ts/abi/exit";
import * as Feature from "../../ts/abi/sev-features";
import * as Memory from "../../ts/abi/memory";
import * as Vmcb from "../../ts/abi/vmcb";
import * as Vmsa from "../../ts/abi/vmsa";
import * as World from "../../ts/abi/world";
import { bit, field, mask } from "../address";
import { register, setRegister } from "./registers";
import { intercepts, vmcbPlace } from "./vmcb";
import { leave } from "./vmexit";

const BREAKPOINT: u32 = 3;
const OVERFLOW: u32 = 4;
const EXCEPTIONS: u32 = 32;

function vectorOf(event: u32): u32 {
  return event & ((1 << Vmcb.EVENT_VECTOR_WIDTH) - 1);
}

function typeOf(event: u32): u32 {
  return (event >> Vmcb.EVENT_TYPE_LSB) & ((1 << Vmcb.EVENT_TYPE_WIDTH) - 1);
}

function isValid(event: u32): bool {
  return bit(event, Vmcb.EVENT_VALID_BIT);
}

/** Whether EVENTINJ may be taken by a guest of these features. */
export function isEventConsistent(vmcb: usize, features: u64, es: bool): bool {
  // The guest's own VMSA says what is injected; the VMCB's fields are ignored. APM vol. 2, 15.36.16.
  if (bit(features, Feature.ALTERNATE_INJECTION_BIT)) return true;
  const event = load<u32>(vmcb, Vmcb.EVENTINJ);
  if (!isValid(event)) return true;
  const type = typeOf(event);
  const vector = vectorOf(event);
  const exception = type == Vmcb.EVENT_EXCEPTION;
  if (type == 1 || type > u32(Vmcb.EVENT_SOFTWARE)) return false;
  if (exception && (vector == Exit.NMI || vector >= EXCEPTIONS)) return false;
  if (es && type == Vmcb.EVENT_SOFTWARE) return false;
  if (es && exception && (vector == BREAKPOINT || vector == OVERFLOW)) return false;
  if (!bit(features, Feature.RESTRICTED_INJECTION_BIT)) return true;
  return exception && vector == Exit.HV;
}

/** Takes what is injected over: from the VMCB, or under alternate injection from the VMSA. */
export function raise(vmcb: usize, features: u64): void {
  if (bit(features, Feature.ALTERNATE_INJECTION_BIT)) {
    store<u32>(Memory.WORLD, load<u32>(Memory.REGISTERS, Vmsa.EVENTINJ), World.EVENT);
    store<u32>(Memory.WORLD, load<u32>(Memory.REGISTERS, Vmsa.EVENTINJ_ERROR), World.EVENT_ERROR);
    store<u32>(Memory.REGISTERS, 0, Vmsa.EVENTINJ);
    return;
  }
  store<u32>(Memory.WORLD, load<u32>(vmcb, Vmcb.EVENTINJ), World.EVENT);
  store<u32>(Memory.WORLD, load<u32>(vmcb, Vmcb.EVENTINJ_ERROR), World.EVENT_ERROR);
  // It is injected once. APM vol. 2, 15.20.
  store<u32>(vmcb, 0, Vmcb.EVENTINJ);
}

/** The event that the guest takes now, as EVENTINJ, or 0: what was injected, else a virtual NMI, else a virtual interrupt; where
 *  the host intercepts that one, World.WINDOW. */
export function takeEvent(): u32 {
  let event = load<u32>(Memory.WORLD, World.EVENT);
  if (!isValid(event)) event = virtualEvent();
  if (event == World.WINDOW) return event;
  store<u32>(Memory.WORLD, 0, World.EVENT);
  store<u32>(Memory.WORLD, event, World.TAKING);
  store<u32>(Memory.WORLD, load<u32>(Memory.WORLD, World.EVENT_ERROR), World.TAKING_ERROR);
  return event;
}

/** The guest is in the event's routine. */
export function tookEvent(): void {
  store<u32>(Memory.WORLD, 0, World.TAKING);
}

/** Where INT_CTL, and the vector beside it, are: the hypervisor's, or the guest's own. */
function virtualEvent(): u32 {
  const features = load<u64>(Memory.WORLD, World.SEV_FEATURES);
  if (bit(features, Feature.RESTRICTED_INJECTION_BIT)) return 0;
  if (bit(features, Feature.ALTERNATE_INJECTION_BIT)) {
    const own = register(Vmsa.VINTR_CTRL);
    const event = eventIn(u32(own), u32(field(own, Vmsa.VECTOR_LSB, Vmsa.VECTOR_WIDTH)));
    if (event) setRegister(Vmsa.VINTR_CTRL, taken(own, event));
    return event;
  }
  const vmcb = vmcbPlace();
  if (!vmcb) return 0;
  const control = load<u32>(vmcb, Vmcb.INT_CTL);
  const event = eventIn(control, load<u32>(vmcb, Vmcb.V_INTR_VECTOR) & 0xff);
  if (isWindow(vmcb, event)) return leave(Exit.VMEXIT_VINTR, 0, 0, 0) ? World.WINDOW : 0;
  if (event) store<u32>(vmcb, u32(taken(control, event)), Vmcb.INT_CTL);
  return event;
}

/** Whether the host has asked to be told when the guest would take a virtual interrupt. APM vol. 2, 15.21.4. */
function isWindow(vmcb: usize, event: u32): bool {
  if (!event || typeOf(event) != Vmcb.EVENT_INTR) return false;
  return intercepts(vmcb, Exit.VMEXIT_VINTR);
}

function taken(control: u64, event: u32): u64 {
  if (typeOf(event) != Vmcb.EVENT_NMI) return control & ~mask(Vmcb.V_IRQ_BIT);
  return (control & ~mask(Vmcb.V_NMI_BIT)) | mask(Vmcb.V_NMI_MASK_BIT);
}

function eventIn(control: u32, vector: u32): u32 {
  const valid: u32 = u32(1) << Vmcb.EVENT_VALID_BIT;
  const nmi = bit(control, Vmcb.V_NMI_BIT) && !bit(control, Vmcb.V_NMI_MASK_BIT);
  if (nmi && bit(control, Vmcb.V_NMI_ENABLE_BIT)) {
    return valid | (Vmcb.EVENT_NMI << Vmcb.EVENT_TYPE_LSB) | Exit.NMI;
  }
  if (!bit(control, Vmcb.V_IRQ_BIT) || !bit(register(Vmsa.RFLAGS), Vmsa.RFLAGS_IF_BIT)) return 0;
  const threshold = u32(field(control, 0, Vmcb.V_TPR_WIDTH)) >> 4;
  const priority = u32(field(control, Vmcb.V_INTR_PRIO_LSB, Vmcb.V_INTR_PRIO_WIDTH));
  if (priority <= threshold && !bit(control, Vmcb.V_IGN_TPR_BIT)) return 0;
  return valid | (Vmcb.EVENT_INTR << Vmcb.EVENT_TYPE_LSB) | vector;
}
