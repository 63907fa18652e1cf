// The hypervisor's driver of the secure processor: a command buffer in memory, three registers, a status. Linux sev-dev.c.
import * as Mailbox from "../abi/mailbox.ts";
import { CheckFailed } from "../error.ts";
import type { HostPort } from "../port.ts";

const RESPONSE = 2 ** Mailbox.RESPONSE_BIT;

export class MailboxDriver {
  readonly #host: HostPort;
  readonly #page: bigint;

  /** `page` is a page of the hypervisor's own, for command buffers. */
  constructor(host: HostPort, page: bigint) {
    this.#host = host;
    this.#page = page;
  }

  /** Sends a command with its buffer (none: 0 in the address registers). Answers the status. */
  send(command: number, buffer?: Uint8Array): number {
    const host = this.#host;
    if (buffer && !host.write(this.#page, buffer)) {
      throw new CheckFailed("mailbox: the command buffer page is not the hypervisor's");
    }
    const address = buffer ? this.#page : 0n;
    host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, Number(address & 0xffffffffn));
    host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, Number(address >> 32n));
    host.writeRegister(Mailbox.CMD_RESP, command * 2 ** Mailbox.COMMAND_LSB);
    const response = host.readRegister(Mailbox.CMD_RESP);
    if (response < RESPONSE) throw new CheckFailed(`mailbox: command ${command} was not answered`);
    return response & (2 ** Mailbox.STATUS_WIDTH - 1);
  }
}
