// A conversation that says what to send and is told what came back: one text for a mailbox, a socket or a test.
import { BadInput } from "../error.ts";

/** Yields whole data objects; is resumed with the answer, or undefined when there was none. */
export type Exchange<T> = Generator<Uint8Array, T, Uint8Array | undefined>;

export type Transport = (object: Uint8Array) => Uint8Array | undefined;
export type AsyncTransport = (object: Uint8Array) => Promise<Uint8Array | undefined>;

export function drive<T>(exchange: Exchange<T>, transport: Transport): T {
  let step = exchange.next();
  while (!step.done) step = exchange.next(transport(step.value));
  return step.value;
}

export async function driveAsync<T>(exchange: Exchange<T>, transport: AsyncTransport): Promise<T> {
  let step = exchange.next();
  while (!step.done) step = exchange.next(await transport(step.value));
  return step.value;
}

/** The other side answered, and its answer cannot be believed or used. */
export class PeerFault extends BadInput {
  override name = "PeerFault";
}

/** The other side refused by an error of its protocol. */
export class PeerRefusal extends PeerFault {
  override name = "PeerRefusal";
  readonly code: number;
  readonly data: number;

  constructor(what: string, code: number, data: number) {
    super(what);
    this.code = code;
    this.data = data;
  }
}
