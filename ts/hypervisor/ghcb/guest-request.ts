// Guest messages, carried to the firmware by the mailbox. AMD 56421, 4.1.7 and 4.1.8; KVM snp_handle_guest_req.
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Header from "../../abi/message-header.ts";
import * as Request from "../../abi/psp/snp-guest-request.ts";
import * as Reclaim from "../../abi/psp/snp-page.ts";
import * as Answer from "../../abi/rmp-state.ts";
import * as Status from "../../abi/status.ts";
import type { HostPort } from "../../port.ts";
import type { Outcome } from "../exits.ts";
import type { MailboxDriver } from "../mailbox.ts";
import { makeFirmware } from "../page-state.ts";
import { refuse } from "./page.ts";
import { readGuest, writeGuest } from "./scratch.ts";
import type { Event } from "./state.ts";

const PAGE = 0x1000n;
const HIGH = 32n;
// MSG_REPORT_REQ. AMD 56860, table 100.
const REPORT_REQUEST = 5;
const EMPTY_TABLE = 24;

/** Whether the two pages are pages, and two. */
function arePages({ info1, info2 }: Event): boolean {
  return info1 % PAGE === 0n && info2 % PAGE === 0n && info1 !== info2;
}

export function guestRequest(event: Event): Outcome {
  if (!arePages(event)) return refuse(event.page, Layout.MISSING_INPUT);
  return carry(event);
}

/** Sends the request's page, brings the answer's back. SW_EXITINFO2: the firmware's status, the hypervisor's error above it. */
function carry({ vm, page, info1, info2 }: Event): Outcome {
  const message = new Uint8Array(Layout.SIZE);
  if (!readGuest(vm, info1, message)) return refuse(page, Layout.INVALID_INPUT);
  if (!vm.requests) return refuse(page, Layout.INVALID_EVENT);
  const { status, response } = vm.requests.send(message);
  if (response && !writeGuest(vm, info2, response)) return refuse(page, Layout.INVALID_INPUT);
  page.answer(0n, BigInt(status));
  return "runs";
}

/** For a report the certificates come along; a host without any says so by an empty table. */
export function extendedGuestRequest(event: Event): Outcome {
  const { vm, page, info1 } = event;
  if (!arePages(event)) return refuse(page, Layout.MISSING_INPUT);
  const header = new Uint8Array(Header.SIZE);
  if (!readGuest(vm, info1, header)) return refuse(page, Layout.INVALID_INPUT);
  if (header[Header.MSG_TYPE] !== REPORT_REQUEST) return carry(event);
  const gpa = page.get(Layout.RAX);
  const pages = page.get(Layout.RBX);
  if (!page.isValid(Layout.RAX) || gpa % PAGE !== 0n) return refuse(page, Layout.INVALID_INPUT);
  const table = vm.ghcb.certificates ?? new Uint8Array(EMPTY_TABLE);
  const needed = vm.ghcb.certificates ? BigInt(Math.ceil(table.length / Layout.SIZE)) : 0n;
  if (pages < needed) {
    page.set(Layout.RBX, needed);
    page.answer(0n, BigInt(Layout.VMM_INVALID_LEN) << HIGH);
    return "runs";
  }
  if (pages > 0n && !writeGuest(vm, gpa, table)) return refuse(page, Layout.INVALID_INPUT);
  return carry(event);
}

/** What came of a message: the firmware's status, and its answer's page. */
export interface Sent {
  status: number;
  response?: Uint8Array;
}

/** A VM's road to the firmware. */
export class GuestRequests {
  readonly #host: HostPort;
  readonly #mailbox: Pick<MailboxDriver, "send">;
  readonly #gctx: bigint;
  readonly #page: () => bigint;
  #request: bigint | undefined;
  #response: bigint | undefined;

  /** `gctx` is the guest's context page, `page` gives a free page of the hypervisor's own. */
  constructor(
    host: HostPort,
    mailbox: Pick<MailboxDriver, "send">,
    gctx: bigint,
    page: () => bigint,
  ) {
    this.#host = host;
    this.#mailbox = mailbox;
    this.#gctx = gctx;
    this.#page = page;
  }

  /** SNP_GUEST_REQUEST, from pages of the hypervisor's own: the answer's is the firmware's meanwhile. */
  send(message: Uint8Array): Sent {
    const host = this.#host;
    this.#request ??= this.#page();
    this.#response ??= this.#page();
    const response = this.#response;
    host.write(this.#request, message);
    host.write(response, new Uint8Array(Layout.SIZE));
    makeFirmware(host, response);
    const view = new DataView(new ArrayBuffer(Request.SIZE));
    view.setBigUint64(Request.GCTX_PADDR, this.#gctx, true);
    view.setBigUint64(Request.REQUEST_PADDR, this.#request, true);
    view.setBigUint64(Request.RESPONSE_PADDR, response, true);
    const buffer = new Uint8Array(view.buffer);
    const status = this.#mailbox.send(Command.SNP_GUEST_REQUEST, buffer);
    if (!this.#reclaim(response) || status !== Status.SUCCESS) return { status };
    const bytes = new Uint8Array(Layout.SIZE);
    return host.read(response, bytes) ? { status, response: bytes } : { status };
  }

  /** Takes the page back from the firmware. False: it is lost, as Linux leaks such pages. */
  #reclaim(page: bigint): boolean {
    const view = new DataView(new ArrayBuffer(Reclaim.SIZE));
    view.setBigUint64(Reclaim.PAGE_PADDR, page, true);
    const status = this.#mailbox.send(Command.SNP_PAGE_RECLAIM, new Uint8Array(view.buffer));
    const state = { gpa: 0n, assigned: false, pageSize: "4k", immutable: false, asid: 0 } as const;
    const back = status === Status.SUCCESS && this.#host.rmpupdate(page, state) === Answer.SUCCESS;
    if (!back) this.#response = undefined;
    return back;
  }
}
