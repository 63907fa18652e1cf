// Buffers for SEV-TIO's commands: pages, and from two on a list of them, lent to the firmware or not. Linux sev-dev-tio.c.

import * as Command from "../../abi/command.ts";
import * as Sla from "../../abi/psp/sla.ts";
import * as Reclaim from "../../abi/psp/snp-page.ts";
import * as Header from "../../abi/psp/tio-buffer.ts";
import * as Status from "../../abi/status.ts";
import { bufferOf, viewOf } from "../../layout.ts";
import type { HostPort } from "../../port.ts";
import type { MailboxDriver } from "../mailbox.ts";
import { makeFirmware } from "../page-state.ts";
import type { Pages } from "../pages.ts";
import { takeBack } from "../reclaim.ts";

const PAGE = 0x1000;
const END = ((1n << BigInt(Sla.PFN_WIDTH)) - 1n) << BigInt(Sla.PFN_LSB);

/** What of the hypervisor they need. */
export interface TioParts {
  host: HostPort;
  mailbox: MailboxDriver;
  pages: Pick<Pages, "small" | "give">;
}

/** Memory that a scatter list address names. */
export class TioBuffer {
  readonly sla: bigint;
  readonly #parts: TioParts;
  readonly #pages: bigint[];
  readonly #list: bigint | undefined;
  readonly #lent: boolean;

  /** `lent`: the firmware's until it is freed. */
  constructor(parts: TioParts, bytes: number, lent: boolean) {
    this.#parts = parts;
    this.#lent = lent;
    const count = Math.ceil(bytes / PAGE);
    this.#pages = Array.from({ length: count }, () => this.#page());
    this.#list = count > 1 ? this.#page() : undefined;
    const [first] = this.#pages as [bigint];
    this.sla = this.#list === undefined ? first : this.#list | SCATTER;
    if (this.#list !== undefined) parts.host.write(this.#list, listOf(this.#pages));
    this.write(Header.CAPACITY_SZ, wordOf(count * PAGE));
    if (lent) for (const spa of this.#pages) makeFirmware(parts.host, spa);
  }

  #page(): bigint {
    const { host, pages } = this.#parts;
    const spa = pages.small();
    host.write(spa, new Uint8Array(PAGE));
    return spa;
  }

  get bytes(): number {
    return this.#pages.length * PAGE;
  }

  read(at: number, length: number): Uint8Array {
    const into = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { spa, piece } = this.#piece(at + done, length - done);
      this.#parts.host.read(spa, into.subarray(done, done + piece));
      done += piece;
    }
    return into;
  }

  /** Only while it is not lent. */
  write(at: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const { spa, piece } = this.#piece(at + done, from.length - done);
      this.#parts.host.write(spa, from.subarray(done, done + piece));
      done += piece;
    }
  }

  #piece(at: number, most: number): { spa: bigint; piece: number } {
    const within = at % PAGE;
    const spa = (this.#pages[Math.floor(at / PAGE)] as bigint) + BigInt(within);
    return { spa, piece: Math.min(PAGE - within, most) };
  }

  /** The word at an offset. */
  u32(at: number): number {
    return viewOf(this.read(at, 4)).getUint32(0, true);
  }

  /** Gives the pages back. What the firmware does not let go of is lost, as Linux leaks it. */
  free(): void {
    const { pages } = this.#parts;
    for (const spa of this.#pages) if (!this.#lent || this.#takeBack(spa)) pages.give(spa, false);
    if (this.#list !== undefined) pages.give(this.#list, false);
  }

  #takeBack(spa: bigint): boolean {
    const { host, mailbox } = this.#parts;
    const asked = bufferOf(Reclaim, { PAGE_PADDR: spa });
    const status = mailbox.send(Command.SNP_PAGE_RECLAIM, asked);
    return status === Status.SUCCESS && takeBack(host, spa, false);
  }
}

const SCATTER = 1n << BigInt(Sla.PAGE_TYPE_SCATTER_BIT);

function listOf(pages: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array((pages.length + 1) * Sla.SIZE);
  const view = viewOf(bytes);
  for (const [i, spa] of [...pages, END].entries()) view.setBigUint64(i * Sla.SIZE, spa, true);
  return bytes;
}

function wordOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}
