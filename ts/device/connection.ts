// What the responder remembers of one SPDM connection, from GET_VERSION to the next one. DSP0274 10.2.
import * as Spdm from "../abi/spdm.ts";
import { join } from "../spdm/octets.ts";
import type { Suite } from "../spdm/suite.ts";
import { Transcript } from "../spdm/transcript.ts";
import type { Place } from "./spdm-table.ts";

export interface Peer {
  flags: number;
  dataTransferSize: number;
  maxMessageSize: number;
}

export class Connection {
  place: Place = "NOT_STARTED";
  /** 1.0 until GET_CAPABILITIES latches one of ours. */
  version: number = Spdm.VERSION_1_0;
  peer: Peer = { flags: 0, dataTransferSize: 0, maxMessageSize: 0 };
  #suite: Suite | undefined;
  #transcript: Transcript | undefined;
  #a: Uint8Array[] = [];

  appendA(request: Uint8Array, response: Uint8Array): void {
    this.#a.push(request.slice(), response.slice());
  }

  negotiate(suite: Suite): void {
    this.#suite = suite;
    this.#transcript = new Transcript(suite, join(...this.#a));
    this.place = "NEGOTIATED";
  }

  /** Only the table lets a request get here, and only once the algorithms are agreed. */
  get suite(): Suite {
    if (!this.#suite) throw new Error("no suite before NEGOTIATE_ALGORITHMS");
    return this.#suite;
  }

  get transcript(): Transcript {
    if (!this.#transcript) throw new Error("no transcript before NEGOTIATE_ALGORITHMS");
    return this.#transcript;
  }

  get isNegotiated(): boolean {
    return this.#suite !== undefined;
  }
}
