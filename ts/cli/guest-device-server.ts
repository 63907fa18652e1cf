// A guest's /dev/sev-guest and configfs-tsm on a unix socket: whoever connects is a program inside the guest. docs/guest-device.md.
import { createServer, type Server, type Socket } from "node:net";
import * as Frame from "../abi/guest-device.ts";
import { concat } from "../attest/bytes.ts";

/** Answers one whole frame with one. */
export type Exchange = (frame: Uint8Array) => Uint8Array;

const WORD = 4;
const UNREAD_LIMIT = 0x40000;

/** Whole frames at the front of what has arrived; undefined when a length cannot be. */
function framesOf(arrived: Uint8Array): { frames: Uint8Array[]; rest: Uint8Array } | undefined {
  const frames: Uint8Array[] = [];
  let rest = arrived;
  while (rest.length >= WORD) {
    const length = new DataView(rest.buffer, rest.byteOffset).getUint32(Frame.LENGTH, true);
    if (length < Frame.SIZE - WORD || length > Frame.LENGTH_LIMIT) return undefined;
    if (rest.length < WORD + length) break;
    frames.push(rest.slice(0, WORD + length));
    rest = rest.subarray(WORD + length);
  }
  return { frames, rest };
}

function attend(socket: Socket, exchange: Exchange): void {
  let arrived: Uint8Array = new Uint8Array(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (octets: Uint8Array) => {
    const split = framesOf(concat(arrived, octets));
    // Who sends no frames, or does not read answers, gets no more.
    if (!split || socket.writableLength > UNREAD_LIMIT) {
      socket.destroy();
      return;
    }
    arrived = split.rest;
    for (const frame of split.frames) socket.write(exchange(frame));
  });
}

/** Listens at `path` until closed. Rejects when the path cannot be listened at. */
export async function serveGuestDevice(path: string, exchange: Exchange): Promise<Server> {
  const server = createServer((socket) => attend(socket, exchange));
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(path, listening);
  });
  return server;
}
