// What a packed trace unpacks to: gzip, zip (its files one after another) or zstd. All stream; none needs more than a few buffers.
import { Unzip, UnzipInflate } from "fflate";
import { BadInput } from "../../error.ts";
import type { Counted, Pull } from "./pull.ts";

export type Packing = "gzip" | "zip" | "zstd";

/** The unpacked bytes of a source, of which `seen` was taken already. */
export function unpacking(
  packing: Packing,
  seen: Uint8Array[],
  source: Counted,
  name: string,
): Pull {
  const rest: Pull = {
    next: async () => seen.shift() ?? (await source.next()),
    close: () => source.close(),
  };
  if (packing === "zip") return inParts(rest, source, name, "zip", unzip);
  if (packing === "gzip") return through(rest, source, name, new DecompressionStream("gzip"));
  return inParts(rest, source, name, "zstd", zstd);
}

/** Takes a chunk, or undefined at the end; gives out what it made of it. */
type Unpacker = (chunk: Uint8Array | undefined) => void;
type MakeUnpacker = (out: (bytes: Uint8Array) => void) => Promise<Unpacker>;

const PIECE = 1 << 16;

function inParts(
  rest: Pull,
  source: Counted,
  name: string,
  what: string,
  make: MakeUnpacker,
): Pull {
  const ready: Uint8Array[] = [];
  let unpack: Unpacker | undefined;
  let ended = false;
  const feed = (chunk: Uint8Array | undefined) => {
    try {
      // Small pieces: what they unpack to is held until it is read.
      for (let at = 0; chunk && at < chunk.length; at += PIECE)
        unpack?.(chunk.subarray(at, at + PIECE));
      if (!chunk) unpack?.(undefined);
    } catch (error) {
      throw damaged(name, source, what, error);
    }
  };
  return {
    async next() {
      unpack ??= await make((bytes) => void (bytes.length > 0 && ready.push(bytes)));
      while (ready.length === 0 && !ended) {
        const chunk = await rest.next();
        ended = chunk === undefined;
        feed(chunk);
      }
      return ready.shift();
    },
    close: () => Promise.resolve(),
  };
}

async function unzip(out: (bytes: Uint8Array) => void): Promise<Unpacker> {
  let open = 0;
  let files = 0;
  const machine = new Unzip((file) => {
    if (file.name.endsWith("/")) return;
    open++;
    files++;
    file.ondata = (error, bytes, final) => {
      if (error) throw error;
      out(bytes);
      if (final) open--;
    };
    file.start();
  });
  machine.register(UnzipInflate);
  return (chunk) => {
    if (chunk) return machine.push(chunk);
    machine.push(new Uint8Array(0), true);
    if (open > 0 || files === 0) throw new Error("unexpected end of file");
  };
}

/** Loaded only where a trace needs it. */
async function zstd(out: (bytes: Uint8Array) => void): Promise<Unpacker> {
  const { Decompress } = await import("fzstd");
  const machine = new Decompress((bytes) => out(bytes));
  return (chunk) => machine.push(chunk ?? new Uint8Array(0), chunk === undefined);
}

type Transform = ReadableWritablePair<Uint8Array, BufferSource>;

function through(rest: Pull, source: Counted, name: string, transform: Transform): Pull {
  const compressed = new ReadableStream<BufferSource>({
    async pull(controller) {
      const chunk = await rest.next();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    },
  });
  const reader = compressed.pipeThrough(transform).getReader();
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      return (await reader.read()).value;
    } catch (error) {
      if (source.failure !== undefined) throw source.failure;
      throw damaged(name, source, "gzip", error);
    }
  };
  return { next, close: () => reader.cancel().catch(() => {}) };
}

function damaged(name: string, source: Counted, what: string, error: unknown): BadInput {
  // Node 22 and later say why in the cause alone.
  const { message, cause } = error as Error;
  const reason = message || (cause as Error | undefined)?.message || "no reason given";
  const found = source.ended ? `${what} data is cut short or damaged` : `${what} data is damaged`;
  const where = source.ended ? `byte ${source.bytes}` : `before byte ${source.bytes}`;
  return new BadInput(`${name}: ${where}: ${found} (${reason}), expected a whole ${what} file`);
}
