// A source of bytes, whatever it is, as one thing to pull from.
import type { ByteSource } from "./reader.ts";

export interface Pull {
  next(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** One pull interface for both: a ReadableStream is not async-iterable in every browser. */
export function pulling(source: ByteSource): Pull {
  if ("getReader" in source) {
    const reader = source.getReader();
    return {
      next: async () => (await reader.read()).value,
      close: () => reader.cancel().catch(() => {}),
    };
  }
  const chunks = source[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { done, value } = await chunks.next();
      return done ? undefined : value;
    },
    close: async () => void (await chunks.return?.()),
  };
}

/** The source, counted. */
export class Counted {
  bytes = 0;
  ended = false;
  failure: unknown;
  readonly #source: Pull;

  constructor(source: Pull) {
    this.#source = source;
  }

  async next(): Promise<Uint8Array | undefined> {
    try {
      const chunk = await this.#source.next();
      this.ended = chunk === undefined;
      this.bytes += chunk?.length ?? 0;
      return chunk;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
