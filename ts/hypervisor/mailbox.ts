// The hypervisor's driver of the secure processor: a command buffer in memory, three registers, a status. Linux sev-dev.c.
import * as Command from "../abi/command.ts";
import * as Mailbox from "../abi/mailbox.ts";
import * as Status from "../abi/status.ts";
import { CheckFailed } from "../error.ts";
import { bufferOf, type Layout } from "../layout.ts";
import type { HostPort } from "../port.ts";
import { makeFirmware, makeShared } from "./page-state.ts";

const RESPONSE = 2 ** Mailbox.RESPONSE_BIT;

/** Legacy commands whose buffer the firmware writes: with SNP it takes them from a Firmware page only. Linux sev_write_init_ex. */
const answering: ReadonlySet<number> = new Set([
  Command.PLATFORM_STATUS,
  Command.GUEST_STATUS,
  Command.LAUNCH_START,
  Command.RECEIVE_START,
  Command.LAUNCH_MEASURE,
  Command.SEND_START,
  Command.SEND_UPDATE_DATA,
  Command.SEND_UPDATE_VMSA,
  Command.PEK_CSR,
  Command.PDH_CERT_EXPORT,
  Command.GET_ID,
  Command.ATTESTATION,
]);

/** A status, and the buffer as the firmware left it. */
export interface Answer {
  status: number;
  buffer: Uint8Array;
}

/** A command that had to succeed, and what the firmware answered instead. */
export class CommandRefused extends CheckFailed {
  override name = "CommandRefused";
  readonly status: number;
  constructor(command: CommandName, status: number) {
    super(`${command}: status 0x${status.toString(16)} (${statusNamed(status)}), expected 0`);
    this.status = status;
  }
}

/** A status by its name. */
export const statusNamed = (status: number): string =>
  Object.entries(Status).find(([, known]) => known === status)?.[0] ?? "unknown";

export class MailboxDriver {
  /** Whether SNP is initialised: pages are then handed over, and taken back by RMPUPDATE. */
  snp = false;
  readonly #host: HostPort;
  readonly #page: bigint;

  /** `page` is a page of the hypervisor's own, for command buffers. */
  constructor(host: HostPort, page: bigint) {
    this.#host = host;
    this.#page = page;
  }

  /** Sends a command with its buffer (none: 0 in the address registers). Answers the status. */
  send(command: number, buffer?: Uint8Array): number {
    return this.exchange(command, buffer ?? new Uint8Array(0)).status;
  }

  /** Sends a command with its buffer; answers also what the firmware wrote there. */
  exchange(command: number, buffer: Uint8Array): Answer {
    const host = this.#host;
    if (!host.write(this.#page, buffer))
      throw new CheckFailed("mailbox: the command buffer page is not the hypervisor's");
    const lent = this.snp && answering.has(command);
    if (lent) makeFirmware(host, this.#page);
    const status = this.#ring(command, buffer.length === 0 ? 0n : this.#page);
    // The firmware has cleared Immutable, whatever it answered about the buffer's contents.
    if (lent) makeShared(host, this.#page, false);
    const after = new Uint8Array(buffer.length);
    host.read(this.#page, after);
    return { status, buffer: after };
  }

  /** Sends a command that must succeed. Throws CheckFailed with its name and status otherwise. */
  must(name: CommandName, layout: Layout, values: Parameters<typeof bufferOf>[1] = {}): Uint8Array {
    const { status, buffer } = this.exchange(Command[name], bufferOf(layout, values));
    if (status !== Status.SUCCESS) throw new CommandRefused(name, status);
    return buffer;
  }

  #ring(command: number, paddr: bigint): number {
    const host = this.#host;
    host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, Number(paddr & 0xffffffffn));
    host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, Number(paddr >> 32n));
    host.writeRegister(Mailbox.CMD_RESP, command * 2 ** Mailbox.COMMAND_LSB);
    const response = host.readRegister(Mailbox.CMD_RESP);
    if (response < RESPONSE) throw new CheckFailed(`mailbox: command ${command} was not answered`);
    return response & (2 ** Mailbox.STATUS_WIDTH - 1);
  }
}

export type CommandName = keyof typeof Command;

/** The buffer of a command that has none. */
export const NO_BUFFER: Layout = { SIZE: 0 };
