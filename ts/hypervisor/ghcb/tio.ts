// What a guest asks about a device passed through to it: to lock and start it, and messages to the firmware, for which the host
// has the evidence that it cannot forge. A draft: AMD's KVM series of 2025.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Tio from "../../abi/ghcb-tio.ts";
import * as Message from "../../abi/message.ts";
import * as Header from "../../abi/message-header.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { Errno } from "../../linux/errno.ts";
import type { Outcome } from "../exits.ts";
import type { AssignedDevice } from "../tsm/assigned.ts";
import { NO_ANSWER } from "../tsm/device.ts";
import { evidenceTable } from "../tsm/evidence.ts";
import type { TioPhase } from "../tsm/tsm.ts";
import type { Vm } from "../vm.ts";
import type { EventRow } from "./events.ts";
import { refuse } from "./page.ts";
import { readGuest, writeGuest } from "./scratch.ts";
import type { Event } from "./state.ts";

const PAGE = BigInt(Layout.SIZE);
const { RAX, RBX, RCX, RDX } = Layout;
const HIGH = 32n;
const field = (word: bigint, lsb: number, width: number) =>
  Number((word >> BigInt(lsb)) & ((1n << BigInt(width)) - 1n));

/** Which phase each message belongs to. */
const phases = new Map<number, TioPhase>([
  [Message.TDI_INFO_REQ, 2],
  [Message.MMIO_VALIDATE_REQ, 3],
  [Message.MMIO_CONFIG_REQ, 3],
  [Message.SDTE_WRITE_REQ, 3],
]);

/** A VM's hypervisor takes the two events, and says so. */
export function offerTio(vm: Vm): void {
  vm.ghcb.events.set(Code.VMGEXIT_TIO_GUEST_REQUEST, tioGuestRequestRow);
  vm.ghcb.events.set(Code.VMGEXIT_TIO_OP, tioOpRow);
  vm.ghcb.features |= 1n << BigInt(Layout.FEATURE_TIO_BIT);
}

const tioOpRow: EventRow = { snp: true, needs: () => [], serve: tioOp };
const tioGuestRequestRow: EventRow = {
  snp: true,
  needs: () => [RCX, RDX],
  serve: tioGuestRequest,
};

/** SW_EXITINFO2: the firmware's status; for a device that did not answer, SPDM_ERROR. */
function answer({ page }: Event, status: number): Outcome {
  page.answer(0n, BigInt(status === NO_ANSWER ? Status.SPDM_ERROR : status));
  return "runs";
}

const operations = new Map<number, (device: AssignedDevice) => number>([
  [Tio.OP_BIND, (device) => device.bind()],
  [Tio.OP_UNBIND, (device) => device.unbind()],
  [Tio.OP_RUN, (device) => device.run()],
  // The firmware has one command for both: an interface that is stopped is unbound.
  [Tio.OP_STOP, (device) => device.unbind()],
]);

function tioOp(event: Event): Outcome {
  const { vm, page, info1 } = event;
  const operation = operations.get(Number(info1 >> BigInt(Tio.OP_LSB)));
  const rid = field(info1, 0, Tio.OP_LSB);
  const device = vm.ghcb.assigned.get(rid);
  if (!operation || !device) return refuse(page, Layout.INVALID_INPUT);
  try {
    page.set(RAX, BigInt(rid));
    return answer(event, operation(device));
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    return answer(event, Status.INVALID_TDI);
  }
}

function tioGuestRequest(event: Event): Outcome {
  const { vm, page, info1, info2 } = event;
  if (info1 % PAGE !== 0n || info2 % PAGE !== 0n || info1 === info2)
    return refuse(page, Layout.MISSING_INPUT);
  const device = vm.ghcb.assigned.get(Number(page.get(RCX) & 0xffffn));
  const message = new Uint8Array(Layout.SIZE);
  if (!device?.tdi || !readGuest(vm, info1, message)) return refuse(page, Layout.INVALID_INPUT);
  const type = message[Header.MSG_TYPE] as number;
  const { phase } = device.tsm;
  if (phase < (phases.get(type) ?? 2)) return refuse(page, Layout.INVALID_EVENT);
  const param = page.get(RDX);
  if (type === Message.TDI_INFO_REQ) {
    const given = giveEvidence(event, device, param);
    if (given !== undefined) return given;
  }
  const mmio = type === Message.MMIO_VALIDATE_REQ ? mmioOf(param) : undefined;
  if (mmio?.priv && !device.setPrivate(mmio.gpa, mmio.pages, true))
    return refuse(page, Layout.INVALID_INPUT);
  const { status, response } = device.request(message);
  if (response && !writeGuest(vm, info2, response)) return refuse(page, Layout.INVALID_INPUT);
  // Pages go back only after the firmware has let the guest rescind them.
  if (mmio && !mmio.priv && status === Status.SUCCESS)
    device.setPrivate(mmio.gpa, mmio.pages, false);
  return answer(event, status);
}

function mmioOf(param: bigint): { gpa: bigint; pages: number; priv: boolean } {
  const order = field(param, Tio.MMIO_ORDER_LSB, Tio.MMIO_ORDER_WIDTH);
  return { gpa: param & ~0xfffn, pages: 2 ** order, priv: bitOf(param, Tio.MMIO_PRIVATE_BIT) };
}

/** Puts what the guest wants of the evidence into its pages, before its message tells it the digests. Undefined: done. */
function giveEvidence(event: Event, device: AssignedDevice, param: bigint): Outcome | undefined {
  const { vm, page } = event;
  const gpa = page.get(RAX);
  const pages = page.get(RBX);
  if (pages === 0n) return undefined;
  const nonce = new Uint8Array(Tio.NONCE_BYTES);
  if (gpa % PAGE !== 0n || !readGuest(vm, gpa, nonce)) return refuse(page, Layout.INVALID_INPUT);
  const table = evidenceTable(device, nonce, {
    certificates: bitOf(param, Tio.WANT_CERTIFICATES_BIT),
    measurements: bitOf(param, Tio.WANT_MEASUREMENTS_BIT),
    report: bitOf(param, Tio.WANT_REPORT_BIT),
  });
  const needed = BigInt(Math.ceil(table.length / Layout.SIZE));
  page.set(RBX, needed);
  if (needed > pages) {
    page.answer(0n, BigInt(Layout.VMM_INVALID_LEN) << HIGH);
    return "runs";
  }
  return writeGuest(vm, gpa, table) ? undefined : refuse(page, Layout.INVALID_INPUT);
}
