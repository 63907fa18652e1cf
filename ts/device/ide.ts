// The IDE_KM responder: which keys each stream of each port has, and over which session they came. PCIe 6.33.3.
import * as IdeKm from "../abi/ide-km.ts";
import type { PcieFunction } from "../pcie/function.ts";
import type { IdeStream } from "../pcie/ide.ts";
import { swapKey } from "../spdm/ide-key.ts";
import { bit, field, join, u32 } from "../spdm/octets.ts";

const INITIAL_INVOCATION = 1n;
const RESERVED_BITS = 0b1100;

type Handler = (request: Uint8Array, sessionId: number) => Uint8Array | undefined;

export class IdeKmResponder {
  /** One port per function, by PortIndex. */
  readonly #ports: PcieFunction[];
  /** The session IDE_KM belongs to, until it ends. */
  #owner: number | undefined;

  // biome-ignore format: a table
  readonly #handlers: Record<number, Handler> = {
    [IdeKm.QUERY]:      (request) => this.#query(request),
    [IdeKm.KEY_PROG]:   (request, sessionId) => this.#keyProg(request, sessionId),
    [IdeKm.K_SET_GO]:   (request) => this.#keySet(request, (stream, key) => stream.go(key)),
    [IdeKm.K_SET_STOP]: (request) => this.#keySet(request, (stream, key) => stream.stop(key)),
  };

  constructor(ports: PcieFunction[]) {
    this.#ports = ports;
  }

  /** Undefined: discarded, as for everything that comes over a second session. */
  receive(request: Uint8Array, sessionId: number): Uint8Array | undefined {
    const known = this.#handlers[request[IdeKm.OBJECT_ID] ?? -1];
    if (!known) return undefined;
    if (this.#owner !== undefined && this.#owner !== sessionId) return undefined;
    const response = known(request, sessionId);
    if (response) this.#owner = sessionId;
    return response;
  }

  /** What the session programmed is gone with it. */
  sessionEnded(sessionId: number): void {
    if (this.#owner === sessionId) this.#owner = undefined;
    for (const port of this.#ports) {
      for (const stream of port.streams) stream.clearIfKeyedBy(sessionId);
    }
  }

  #query(request: Uint8Array): Uint8Array | undefined {
    if (request.length < IdeKm.QUERY_SIZE) return undefined;
    const index = request[IdeKm.QUERY_PORT_INDEX]!;
    const port = this.#ports[index];
    if (!port) return undefined;
    const head = new Uint8Array(IdeKm.QUERY_REGISTERS);
    head[IdeKm.OBJECT_ID] = IdeKm.QUERY_RESP;
    head[IdeKm.QUERY_PORT_INDEX] = index;
    head[IdeKm.QUERY_DEV_FUNC] = port.functionId & 0xff;
    head[IdeKm.QUERY_BUS] = port.functionId >>> 8;
    head[IdeKm.QUERY_MAX_PORT_INDEX] = this.#ports.length - 1;
    return join(head, port.ideRegisters());
  }

  #keyProg(request: Uint8Array, sessionId: number): Uint8Array | undefined {
    if (request.length < IdeKm.ACK_SIZE) return undefined;
    const ack = request.slice(0, IdeKm.ACK_SIZE);
    ack.fill(0, IdeKm.RESERVED_001, IdeKm.STREAM_ID);
    ack[IdeKm.OBJECT_ID] = IdeKm.KP_ACK;
    ack[IdeKm.STATUS] = this.#program(request, sessionId);
    return ack;
  }

  /** The status KP_ACK carries. */
  #program(request: Uint8Array, sessionId: number): number {
    if (request.length !== IdeKm.SIZE) return IdeKm.STATUS_INCORRECT_LENGTH;
    const port = this.#ports[request[IdeKm.PORT_INDEX]!];
    if (!port) return IdeKm.STATUS_UNSUPPORTED_PORT_INDEX;
    const keySubStream = request[IdeKm.KEY_SUB_STREAM]!;
    const stream = streamOf(port, request[IdeKm.STREAM_ID]!);
    if (!stream || !isKeySubStream(keySubStream)) return IdeKm.STATUS_UNSUPPORTED_VALUE;
    // The higher DW first.
    const high = BigInt(u32(request, IdeKm.IFV));
    const invocation = (high << 32n) | BigInt(u32(request, IdeKm.IFV + 4));
    if (invocation !== INITIAL_INVOCATION) return IdeKm.STATUS_UNSUPPORTED_VALUE;
    const key = swapKey(request.subarray(IdeKm.KEY, IdeKm.IFV));
    const done = stream.program(keySubStream, key, invocation, sessionId);
    return done ? IdeKm.STATUS_SUCCESS : IdeKm.STATUS_UNSPECIFIED_FAILURE;
  }

  /** K_GOSTOP_ACK has no status: it says that the request arrived. */
  #keySet(
    request: Uint8Array,
    act: (stream: IdeStream, keySubStream: number) => void,
  ): Uint8Array | undefined {
    if (request.length !== IdeKm.ACK_SIZE) return undefined;
    const port = this.#ports[request[IdeKm.PORT_INDEX]!];
    const keySubStream = request[IdeKm.KEY_SUB_STREAM]!;
    const stream = port && streamOf(port, request[IdeKm.STREAM_ID]!);
    if (!stream || !isKeySubStream(keySubStream)) return undefined;
    act(stream, keySubStream);
    const ack = request.slice();
    ack.fill(0, IdeKm.RESERVED_001, IdeKm.STREAM_ID);
    ack[IdeKm.OBJECT_ID] = IdeKm.K_GOSTOP_ACK;
    ack[IdeKm.STATUS] = 0;
    return ack;
  }
}

/** The stream a register block gives this id. */
export const streamOf = (port: PcieFunction, id: number): IdeStream | undefined =>
  port.streams.find((stream) => stream.isConfigured && stream.id === id);

const isKeySubStream = (value: number): boolean =>
  field(value, IdeKm.SUB_STREAM_LSB, IdeKm.SUB_STREAM_WIDTH) <= IdeKm.SUB_STREAM_CPL &&
  (value & RESERVED_BITS) === 0 &&
  !bit(value, 8);
