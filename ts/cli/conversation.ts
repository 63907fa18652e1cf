// What a person sees of a conversation: each message in words on stderr, or a capture file that Wireshark opens.
import { appendFileSync, writeFileSync } from "node:fs";
import * as DataObject from "../abi/doe-object.ts";
import { BadInput } from "../error.ts";
import type { Clock } from "../spdm/crypto.ts";
import { dataObjectOf } from "../spdm/data-object.ts";
import { describe } from "../spdm/decode.ts";
import { hex } from "../spdm/octets.ts";
import { pcapngHeader, pcapngPacket } from "../spdm/pcapng.ts";
import type { Tap } from "../spdm/tap.ts";

export interface TraceOptions {
  decode?: boolean;
  pcap?: string;
}

export class Trace {
  #options: TraceOptions;
  readonly #clock: Clock;
  /** A requester opens an answer after it arrived: its words come late. */
  readonly #opensLate: boolean;
  #words: { request?: string; response?: string } = {};
  #waiting: { object: Uint8Array | undefined; time: number } | undefined;

  constructor(options: TraceOptions, clock: Clock, opensLate: boolean) {
    this.#options = options;
    this.#clock = clock;
    this.#opensLate = opensLate;
    if (!options.pcap) return;
    try {
      writeFileSync(options.pcap, pcapngHeader("pci-doe"));
    } catch (error) {
      throw new BadInput(`${options.pcap}: ${(error as Error).message}`);
    }
  }

  /** To be given to the responder or requester: the message before it is sealed. */
  get tap(): Tap {
    return (side, message, sessionId) => {
      this.#words[side] = describe(message, sessionId);
    };
  }

  request(object: Uint8Array): void {
    this.flush();
    this.#tell("request", object, this.#clock.now());
  }

  response(object: Uint8Array | undefined): void {
    this.#waiting = { object, time: this.#clock.now() };
    if (!this.#opensLate) this.flush();
  }

  /** Tells the last answer, whose words are known by now. */
  flush(): void {
    const { object, time } = this.#waiting ?? {};
    if (time !== undefined) this.#tell("response", object, time);
    this.#waiting = undefined;
  }

  #tell(direction: "request" | "response", object: Uint8Array | undefined, time: number): void {
    const words = object ? (this.#words[direction] ?? bare(object)) : "no answer";
    delete this.#words[direction];
    if (this.#options.decode) {
      process.stderr.write(`${direction === "request" ? "->" : "<-"} ${words}\n`);
    }
    const { pcap } = this.#options;
    if (!pcap || !object) return;
    try {
      appendFileSync(pcap, pcapngPacket({ time, direction, object, comment: words }));
    } catch (error) {
      // The conversation is worth more than its capture.
      process.stderr.write(
        `cloister: ${pcap}: ${(error as Error).message}; the capture ends here\n`,
      );
      this.#options = { ...this.#options, pcap: "" };
    }
  }
}

/** An object nobody could open. */
function bare(object: Uint8Array): string {
  const known = dataObjectOf(object);
  if (!known) return `${object.length} bytes, no data object`;
  const name = ["DOE discovery", "SPDM", "secured SPDM"][known.type] ?? `type ${known.type}`;
  const shown =
    known.type === DataObject.DISCOVERY ? hex(known.payload) : `${known.payload.length} bytes`;
  return `${name}, ${shown}`;
}
