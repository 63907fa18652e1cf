// A client of DMTF's socket framing: one data object out, one back.
import { connect, type Socket } from "node:net";
import { BadInput, Misuse } from "../error.ts";
import { hexWord } from "../spdm/octets.ts";
import * as Frames from "./frame.ts";

const LIMIT = 0x100000;

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

/** One connection; one command at a time. */
export class Client {
  readonly #address: string;
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #reader: Frames.FrameReader = new Frames.FrameReader(LIMIT);
  readonly #arrived: Frames.Frame[] = [];
  #wake: () => void = () => {};
  #ended: string | undefined;

  constructor(address: string, socket: Socket, timeout: number) {
    this.#address = address;
    this.#socket = socket;
    this.#timeout = timeout;
    socket.on("data", (octets) => this.#take(octets));
    socket.on("close", () => this.#end("connection closed"));
    socket.on("error", (error) => this.#end(error.message));
  }

  /** One command and the payload that came back; undefined after the time limit. */
  async command(code: number, payload?: Uint8Array): Promise<Uint8Array | undefined> {
    this.#socket.write(Frames.frame(code, payload));
    const answer = await this.#next();
    if (answer && answer.command !== code) {
      const seen = hexWord(answer.command, 4);
      throw new BadInput(`${this.#address}: command ${seen}, expected ${hexWord(code, 4)}`);
    }
    return answer?.payload;
  }

  exchange(object: Uint8Array): Promise<Uint8Array | undefined> {
    return this.command(Frames.NORMAL, object);
  }

  close(): void {
    this.#socket.end();
  }

  #take(octets: Uint8Array): void {
    const frames = this.#reader.push(octets);
    if (!frames) {
      this.#socket.destroy();
      this.#end("a frame over 1 MiB");
      return;
    }
    this.#arrived.push(...frames);
    this.#wake();
  }

  #end(why: string): void {
    this.#ended ??= why;
    this.#wake();
  }

  async #next(): Promise<Frames.Frame | undefined> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, this.#timeout);
    // A frame may arrive in many pieces.
    while (this.#arrived.length === 0 && !this.#ended && !late) {
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
    clearTimeout(timer);
    const frame = this.#arrived.shift();
    if (!frame && this.#ended) throw new BadInput(`${this.#address}: ${this.#ended}`);
    return frame;
  }
}

export async function openClient(address: string, timeout: number): Promise<Client> {
  const { host, port } = addressOf(address);
  const socket = connect({ host, port });
  socket.setNoDelay(true);
  await new Promise<void>((opened, failed) => {
    socket.once("connect", opened);
    socket.once("error", (error) => failed(new BadInput(`${address}: ${error.message}`)));
  });
  return new Client(address, socket, timeout);
}
