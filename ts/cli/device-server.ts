// A TDISP device on a TCP socket, as DMTF's requester and validator expect one. Many clients; none can starve another.
import { createServer, type Server, type Socket } from "node:net";
import type { TdispDevice } from "../device/device.ts";
import * as Frames from "./frame.ts";

export interface ServerOptions {
  device: TdispDevice;
  host?: string;
  port?: number;
  /** Connections held at once; beyond it the one idle longest is closed. */
  connections?: number;
  /** Milliseconds without a byte after which a connection is closed. */
  idle?: number;
  /** Told of each data object and its answer. */
  onExchange?: (object: Uint8Array, answer: Uint8Array | undefined) => void;
}

export interface DeviceServer {
  port: number;
  /** Connections open now. */
  connections(): number;
  close(): Promise<void>;
}

// The largest object the responder takes, with its headers; DMTF's tools send 0x1200 and a little.
const FRAME_LIMIT = 0x10000;
const UNREAD_LIMIT = 0x40000;
const HELLO = new TextEncoder().encode("Server Hello!\0");
const JSON_TEXT = new TextEncoder();

/** Answers one frame; `close` when the connection ends with it. */
function answerTo(
  { command, payload }: Frames.Frame,
  { device, onExchange }: ServerOptions,
): { reply: Uint8Array | undefined; close: boolean } {
  const same = () => Frames.frame(command);
  switch (command) {
    case Frames.TEST:
      return { reply: Frames.frame(command, HELLO), close: false };
    case Frames.NORMAL: {
      const answer = device.exchange(payload);
      onExchange?.(payload, answer);
      return { reply: answer && Frames.frame(command, answer), close: false };
    }
    case Frames.TDI_STATE: {
      const told = JSON_TEXT.encode(JSON.stringify(device.states()));
      return { reply: Frames.frame(command, told), close: false };
    }
    case Frames.OOB_ENCAP_KEY_UPDATE:
    case Frames.OOB_ENCAP_ENDPOINT_INFO:
      return { reply: same(), close: false };
    case Frames.CONTINUE:
      return { reply: same(), close: true };
    case Frames.SHUTDOWN:
      // Where DMTF's responder exits, this one is switched off and on again for the next client.
      device.reset();
      device.configure();
      return { reply: same(), close: true };
    default:
      return { reply: Frames.frame(Frames.UNKNOWN), close: true };
  }
}

function attend(socket: Socket, options: ServerOptions): void {
  const reader = new Frames.FrameReader(FRAME_LIMIT);
  socket.setNoDelay(true);
  socket.setTimeout(options.idle ?? 600_000, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("drain", () => socket.resume());
  socket.on("data", (octets) => {
    const frames = reader.push(octets);
    if (!frames) {
      socket.destroy();
      return;
    }
    for (const each of frames) {
      if (each.transport !== Frames.PCI_DOE) {
        socket.destroy();
        return;
      }
      const { reply, close } = answerTo(each, options);
      if (reply) socket.write(reply);
      if (close) {
        socket.end();
        return;
      }
      // Who does not read its answers gets no more of them.
      if (socket.writableLength > UNREAD_LIMIT) {
        socket.destroy();
        return;
      }
    }
    if (socket.writableNeedDrain) socket.pause();
  });
}

export async function serve(options: ServerOptions): Promise<DeviceServer> {
  // In the order of their last byte: the first is idle longest.
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("data", () => {
      open.delete(socket);
      open.add(socket);
    });
    socket.on("close", () => open.delete(socket));
    const [idlest] = open;
    if (idlest && open.size > (options.connections ?? 256)) {
      open.delete(idlest);
      idlest.destroy();
    }
    attend(socket, options);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port ?? 2323, options.host ?? "127.0.0.1", listening);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    connections: () => open.size,
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
