// The bytes of a trace through one fixed buffer, gunzipped on the way. What comes out does not depend on how the source is cut.
import { BadInput } from "../../error.ts";
import type { ByteSource } from "./reader.ts";

const CAPACITY = 1 << 18;
// A parser may look a few bytes past the end, and a missing last newline is put there.
const SPARE = 16;

interface Pull {
  next(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** One pull interface for both: a ReadableStream is not async-iterable in every browser. */
function pulling(source: ByteSource): Pull {
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
class Counted {
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

export class Input {
  readonly name: string;
  readonly buffer: Uint8Array = new Uint8Array(CAPACITY + SPARE);
  /** The next byte to read, and one past the last there is. */
  at = 0;
  end = 0;
  /** Offset of buffer[0] in the trace, after decompression. */
  base = 0;

  #counted: Counted;
  #plain: Pull;
  #chunk: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(source: ByteSource, name: string) {
    this.name = name;
    this.#counted = new Counted(pulling(source));
    this.#plain = this.#counted;
  }

  /** Bytes taken from the source. */
  get bytes(): number {
    return this.#counted.bytes;
  }

  /** Offset of the next byte in the trace, after decompression. */
  get offset(): number {
    return this.base + this.at;
  }

  /** A place in the trace, in words. */
  position(offset: number): string {
    const gunzipped = this.#plain !== this.#counted;
    return `${this.name}: byte ${offset}${gunzipped ? " after decompression" : ""}`;
  }

  /** Whether the buffer holds as much as it can. */
  get full(): boolean {
    return this.end - this.at === CAPACITY;
  }

  /** Brings in at least one byte behind those not yet read; false at the end of the source. */
  async more(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const chunk = await this.#plain.next();
      if (chunk === undefined) return false;
      this.#chunk = chunk;
      this.#used = 0;
    }
    this.buffer.copyWithin(0, this.at, this.end);
    this.base += this.at;
    this.end -= this.at;
    this.at = 0;
    const taken = this.#chunk.subarray(this.#used, this.#used + CAPACITY - this.end);
    this.buffer.set(taken, this.end);
    this.end += taken.length;
    this.#used += taken.length;
    return true;
  }

  /** Tries to have `bytes` to read; false if the source ends before. */
  async ensure(bytes: number): Promise<boolean> {
    while (this.end - this.at < bytes) if (!(await this.more())) return false;
    return true;
  }

  /** From here on the bytes are what gunzip makes of the source. Nothing may have been read yet. */
  gunzip(): void {
    const first = this.buffer.slice(0, this.end);
    const rest = this.#chunk.subarray(this.#used);
    this.#plain = gunzipping([first, rest], this.#counted, this.name);
    this.#chunk = new Uint8Array(0);
    this.#used = 0;
    this.end = 0;
  }

  async close(): Promise<void> {
    await this.#plain.close();
    if (this.#plain !== this.#counted) await this.#counted.close();
  }
}

function gunzipping(seen: Uint8Array[], source: Counted, name: string): Pull {
  const compressed = new ReadableStream<BufferSource>({
    async pull(controller) {
      const chunk = seen.shift() ?? (await source.next());
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    },
  });
  const reader = compressed.pipeThrough(new DecompressionStream("gzip")).getReader();
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      return (await reader.read()).value;
    } catch (error) {
      if (source.failure !== undefined) throw source.failure;
      throw damaged(name, source, error);
    }
  };
  return { next, close: () => reader.cancel().catch(() => {}) };
}

function damaged(name: string, source: Counted, error: unknown): BadInput {
  const reason = error instanceof Error ? error.message : String(error);
  const found = source.ended ? "gzip data is cut short or damaged" : "gzip data is damaged";
  const where = source.ended ? `byte ${source.bytes}` : `before byte ${source.bytes}`;
  return new BadInput(`${name}: ${where}: ${found} (${reason}), expected a whole gzip file`);
}
