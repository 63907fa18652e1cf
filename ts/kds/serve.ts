// The key service on a port, over node:http, which Deno and Bun have too. Loopback unless told otherwise.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Misuse } from "../error.ts";
import type { Kds } from "./handler.ts";

export interface ServeOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

export interface Serving {
  readonly url: string;
  readonly close: () => Promise<void>;
}

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((done, fail) => {
    server.once("error", (error) => fail(new Misuse(`${host}:${port}: ${error.message}`)));
    server.listen(port, host, () => done(server.address() as AddressInfo));
  });
}

/** Listens until closed. */
export async function serve(kds: Kds, options: ServeOptions): Promise<Serving> {
  const host = options.host ?? "127.0.0.1";
  const server = createServer(async (incoming, outgoing) => {
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (typeof value === "string") headers.set(name, value);
    }
    try {
      const url = new URL(incoming.url ?? "/", "http://kds.invalid");
      const response = await kds(new Request(url, { method: incoming.method ?? "GET", headers }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      outgoing.writeHead(400, { "content-type": "text/plain" });
      outgoing.end(`${(error as Error).message}\n`);
    }
  });
  const { port } = await listen(server, options.port, host);
  const name = host.includes(":") ? `[${host}]` : host;
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return { url: `http://${name}:${port}`, close };
}
