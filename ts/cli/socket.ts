// A client of DMTF's socket framing: one data object out, one back.
import { connect, type Socket } from "node:net";
import { BadInput, Misuse } from "../error.ts";
import * as Frames from "./frame.ts";

const LIMIT = 0x100000;

export interface Client {
  exchange(object: Uint8Array): Promise<Uint8Array | undefined>;
  /** One command and the payload that came back; undefined after the time limit. */
  command(command: number, payload?: Uint8Array): Promise<Uint8Array | undefined>;
  close(): void;
}

/** HOST:PORT, or PORT on this machine. */
export function addressOf(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(":");
  const host = at < 0 ? "127.0.0.1" : text.slice(0, at).replace(/^\[|\]$/g, "");
  return { host, port: portOf(text.slice(at + 1)) };
}

export function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535 || text === "") {
    throw new Misuse(`port "${text}": expected 0 to 65535`);
  }
  return port;
}

export async function openClient(address: string, timeout: number): Promise<Client> {
  const { host, port } = addressOf(address);
  const socket: Socket = connect({ host, port });
  socket.setNoDelay(true);
  await new Promise<void>((opened, failed) => {
    socket.once("connect", opened);
    socket.once("error", (error) => failed(new BadInput(`${address}: ${error.message}`)));
  });
  const reader = new Frames.FrameReader(LIMIT);
  const arrived: Frames.Frame[] = [];
  let wake: (() => void) | undefined;
  let ended: string | undefined;
  const end = (why: string): void => {
    ended ??= why;
    wake?.();
  };
  socket.on("data", (octets) => {
    const frames = reader.push(octets);
    if (!frames) {
      socket.destroy();
      end("a frame over 1 MiB");
      return;
    }
    arrived.push(...frames);
    wake?.();
  });
  socket.on("close", () => end("connection closed"));
  socket.on("error", (error) => end(error.message));
  const next = async (): Promise<Frames.Frame | undefined> => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      wake?.();
    }, timeout);
    // A frame may arrive in many pieces.
    while (arrived.length === 0 && !ended && !late) {
      await new Promise<void>((done) => {
        wake = done;
      });
    }
    clearTimeout(timer);
    const frame = arrived.shift();
    if (!frame && ended) throw new BadInput(`${address}: ${ended}`);
    return frame;
  };
  const command = async (code: number, payload?: Uint8Array): Promise<Uint8Array | undefined> => {
    socket.write(Frames.frame(code, payload));
    const answer = await next();
    if (answer && answer.command !== code) {
      throw new BadInput(
        `${address}: command 0x${answer.command.toString(16)}, expected 0x${code.toString(16)}`,
      );
    }
    return answer?.payload;
  };
  return {
    command,
    exchange: (object) => command(Frames.NORMAL, object),
    close: () => socket.end(),
  };
}
