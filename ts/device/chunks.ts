// Messages larger than a transfer: the one being received, and the one being given out. DSP0274 10.26.
export interface Sending {
  handle: number;
  nextSeq: number;
  bytes: number;
  parts: Uint8Array[];
  received: number;
  sessionId: number | undefined;
}

export interface Giving {
  handle: number;
  nextSeq: number;
  message: Uint8Array;
  given: number;
  sessionId: number | undefined;
}

export class Chunks {
  sending: Sending | undefined;
  giving: Giving | undefined;
  #handle = 0;

  get isSending(): boolean {
    return this.sending !== undefined;
  }

  /** Keeps a large response until CHUNK_GET has fetched it; answers its handle. */
  keep(message: Uint8Array, sessionId: number | undefined): number {
    const handle = this.#handle;
    this.#handle = (handle + 1) & 0xff;
    this.giving = { handle, nextSeq: 0, message: message.slice(), given: 0, sessionId };
    return handle;
  }
}
