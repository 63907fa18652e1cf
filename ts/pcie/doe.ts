// A DOE mailbox: its registers and what each of them does in each state. PCIe 6.30 and 7.9.24.
import * as Doe from "../abi/doe.ts";
import * as DataObject from "../abi/doe-object.ts";
import type { Clock } from "../spdm/crypto.ts";
import { claimedBytes } from "../spdm/data-object.ts";
import { bit, putU32, u32 } from "../spdm/octets.ts";

/** Answers one whole data object; undefined: it is discarded in silence. */
export type Exchange = (object: Uint8Array) => Uint8Array | undefined;

export type State = "IDLE" | "BUSY" | "READY" | "ERROR";
export type Operation = "WRITE" | "GO" | "POP" | "ABORT";
export type Act = "append" | "submit" | "pop" | "clear" | "fail" | "ignore";

// A GO over an unread answer is outside the published sources: it is an error here. LIMITATIONS.
// biome-ignore format: a table
export const mailboxTable: Record<State, Record<Operation, Act>> = {
  IDLE:  { WRITE: "append", GO: "submit", POP: "fail",   ABORT: "clear" },
  BUSY:  { WRITE: "ignore", GO: "ignore", POP: "fail",   ABORT: "clear" },
  READY: { WRITE: "append", GO: "fail",   POP: "pop",    ABORT: "clear" },
  ERROR: { WRITE: "ignore", GO: "ignore", POP: "ignore", ABORT: "clear" },
};

export interface MailboxOptions {
  exchange: Exchange;
  clock: Clock;
  /** Milliseconds from GO to the answer. */
  latency?: number;
  /** The largest object taken, in DWs. */
  limit?: number;
  interrupt?: () => void;
}

const DW = 4;

export class DoeMailbox {
  readonly #options: Required<MailboxOptions>;
  #state: State = "IDLE";
  #incoming: number[] = [];
  #answer: Uint8Array = new Uint8Array(0);
  #read = 0;
  #readyAt = 0;
  #interruptEnabled = false;
  #interruptStatus = false;

  constructor(options: MailboxOptions) {
    this.#options = { latency: 0, limit: 0x4000, interrupt: () => {}, ...options };
  }

  get state(): State {
    if (this.#state === "BUSY" && this.#options.clock.now() >= this.#readyAt) this.#finish();
    return this.#state;
  }

  /** FLR, conventional reset or ABORT: both mailboxes are empty. */
  reset(): void {
    this.#state = "IDLE";
    this.#incoming = [];
    this.#answer = new Uint8Array(0);
    this.#read = 0;
  }

  read(offset: number): number {
    const state = this.state;
    if (offset === Doe.CONTROL) return this.#interruptEnabled ? 2 ** Doe.INTERRUPT_ENABLE_BIT : 0;
    if (offset === Doe.CAPABILITY) return 2 ** Doe.INTERRUPT_SUPPORT_BIT;
    if (offset === Doe.STATUS) {
      return (
        (state === "BUSY" ? 2 ** Doe.BUSY_BIT : 0) +
        (this.#interruptStatus ? 2 ** Doe.INTERRUPT_STATUS_BIT : 0) +
        (state === "ERROR" ? 2 ** Doe.ERROR_BIT : 0) +
        (state === "READY" ? 2 ** Doe.DATA_OBJECT_READY_BIT : 0)
      );
    }
    if (offset === Doe.READ_DATA_MAILBOX && state === "READY") return u32(this.#answer, this.#read);
    return 0;
  }

  write(offset: number, value: number): void {
    if (offset === Doe.WRITE_DATA_MAILBOX) this.#act("WRITE", value);
    if (offset === Doe.READ_DATA_MAILBOX) this.#act("POP", value);
    if (offset === Doe.STATUS && bit(value, Doe.INTERRUPT_STATUS_BIT))
      this.#interruptStatus = false;
    if (offset !== Doe.CONTROL) return;
    this.#interruptEnabled = bit(value, Doe.INTERRUPT_ENABLE_BIT);
    // ABORT wins over GO in one write.
    if (bit(value, Doe.ABORT_BIT)) this.#act("ABORT", value);
    else if (bit(value, Doe.GO_BIT)) this.#act("GO", value);
  }

  #act(operation: Operation, value: number): void {
    const acts: Record<Act, () => void> = {
      append: () => this.#append(value),
      submit: () => this.#submit(),
      pop: () => this.#pop(),
      clear: () => this.reset(),
      fail: () => this.#fail(),
      ignore: () => {},
    };
    acts[mailboxTable[this.state][operation]]();
  }

  #append(value: number): void {
    if (this.#incoming.length < this.#options.limit) this.#incoming.push(value >>> 0);
    else this.#fail();
  }

  #submit(): void {
    const object = new Uint8Array(this.#incoming.length * DW);
    for (const [i, value] of this.#incoming.entries()) putU32(object, i * DW, value);
    this.#incoming = [];
    // A length that is not what was written: discarded. PCIe 6.30.1.
    if (object.length < DataObject.SIZE || claimedBytes(object) !== object.length) return;
    const answer = this.#options.exchange(object);
    if (!answer) return;
    this.#answer = answer;
    this.#read = 0;
    this.#state = "BUSY";
    this.#readyAt = this.#options.clock.now() + this.#options.latency;
    if (this.#options.latency === 0) this.#finish();
  }

  #finish(): void {
    this.#state = "READY";
    this.#notify();
  }

  #pop(): void {
    this.#read += DW;
    if (this.#read < this.#answer.length) return;
    this.#state = "IDLE";
    this.#answer = new Uint8Array(0);
  }

  #fail(): void {
    this.#state = "ERROR";
    this.#notify();
  }

  /** Once, until software clears the status. */
  #notify(): void {
    if (!this.#interruptEnabled || this.#interruptStatus) return;
    this.#interruptStatus = true;
    this.#options.interrupt();
  }
}
