// The frames DMTF's tools put around data objects on a TCP connection. spdm-emu, command.h.
import { view } from "../spdm/octets.ts";

export const NORMAL = 0x0001;
export const TEST = 0xdead;
export const SHUTDOWN = 0xfffe;
export const CONTINUE = 0xfffd;
export const UNKNOWN = 0xffff;
export const OOB_ENCAP_KEY_UPDATE = 0x8001;
export const OOB_ENCAP_ENDPOINT_INFO = 0x8002;
/** Ours alone: asks the server what state each TDI is in. DMTF's tools answer UNKNOWN. */
export const TDI_STATE = 0xc1d0;

export const PCI_DOE = 2;

const COMMAND = 0;
const TRANSPORT = 4;
const LENGTH = 8;
const HEADER_BYTES = 12;

export interface Frame {
  command: number;
  transport: number;
  payload: Uint8Array;
}

export function frame(command: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const octets = new Uint8Array(HEADER_BYTES + payload.length);
  // Big endian, unlike everything inside.
  view(octets).setUint32(COMMAND, command);
  view(octets).setUint32(TRANSPORT, PCI_DOE);
  view(octets).setUint32(LENGTH, payload.length);
  octets.set(payload, HEADER_BYTES);
  return octets;
}

/** Collects octets into frames and never holds more than one frame of `limit` octets. */
export class FrameReader {
  readonly #limit: number;
  #held: Uint8Array;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit + HEADER_BYTES;
    this.#held = new Uint8Array(HEADER_BYTES);
  }

  /** The frames these octets complete; undefined once a frame claims more than the limit. */
  push(octets: Uint8Array): Frame[] | undefined {
    const frames: Frame[] = [];
    let at = 0;
    while (at < octets.length) {
      const wanted = this.#wanted();
      if (wanted > this.#limit) return undefined;
      this.#reserve(wanted);
      const part = octets.subarray(at, at + wanted - this.#used);
      this.#held.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used < HEADER_BYTES || this.#used < this.#wanted()) continue;
      if (this.#wanted() > this.#limit) return undefined;
      frames.push(this.#take());
    }
    return this.#wanted() > this.#limit ? undefined : frames;
  }

  /** The header first, then what it says. */
  #wanted(): number {
    if (this.#used < HEADER_BYTES) return HEADER_BYTES;
    return HEADER_BYTES + view(this.#held).getUint32(LENGTH);
  }

  #reserve(bytes: number): void {
    if (this.#held.length >= bytes) return;
    const grown = new Uint8Array(bytes);
    grown.set(this.#held);
    this.#held = grown;
  }

  #take(): Frame {
    const header = view(this.#held);
    const taken: Frame = {
      command: header.getUint32(COMMAND),
      transport: header.getUint32(TRANSPORT),
      payload: this.#held.slice(HEADER_BYTES, this.#used),
    };
    this.#held = new Uint8Array(HEADER_BYTES);
    this.#used = 0;
    return taken;
  }
}
