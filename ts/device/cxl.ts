// Enough of CXL IDE_KM and CXL TSP to answer DMTF's requester; no CXL memory stands behind it. CXL 3.1, 11.4 and 11.5.
import * as Caps from "../abi/cxl-tsp-capabilities.ts";
import * as Configuration from "../abi/cxl-tsp-configuration.ts";
import * as IdeKm from "../abi/ide-km.ts";
import * as Vendor from "../abi/spdm-vendor-defined.ts";
import { join, le16, le32, putU16, putU32, u16 } from "../spdm/octets.ts";

// CXL's KEY_PROG has a third DW of iv; its QUERY_RESP one octet of capabilities.
const KEY_PROG_BYTES = IdeKm.SIZE + 4;
const QUERY_CAPS = 0x41; // version 1, K_SET_STOP

const VERSION = 0x10;
const GET_VERSION = 0x81;
const GET_CAPABILITIES = 0x82;
const SET_CONFIGURATION = 0x83;
const GET_CONFIGURATION = 0x84;
const GET_REPORT = 0x85;
const LOCK = 0x86;
const SET_TE_STATE = 0x8d;
const ERROR = 0x7f;
const INVALID_REQUEST = 0x01;
const UNSUPPORTED_REQUEST = 0x04;
const VERSION_MISMATCH = 0x05;
const INVALID_SECURITY_STATE = 0x0b;
const ALREADY_LOCKED = 0x0d;

const UNLOCKED = 0;
const LOCKED = 1;
const TE_STATE_BYTES = 16;
const RANGE_BYTES = 16;
const REPORT = new Uint8Array(4);

export class CxlResponder {
  #configuration: Uint8Array = new Uint8Array(Configuration.SIZE);
  #state = UNLOCKED;

  /** One vendor-defined payload; undefined discards it. */
  receive(payload: Uint8Array): Uint8Array | undefined {
    const protocol = payload[0];
    const request = payload.subarray(1);
    const answer =
      protocol === Vendor.PROTOCOL_CXL_IDE_KM
        ? ideKm(request)
        : protocol === Vendor.PROTOCOL_CXL_TSP
          ? this.#tsp(request)
          : undefined;
    return answer && join(Uint8Array.of(protocol!), answer);
  }

  reset(): void {
    this.#configuration = new Uint8Array(Configuration.SIZE);
    this.#state = UNLOCKED;
  }

  #tsp(request: Uint8Array): Uint8Array | undefined {
    if (request.length < 4) return undefined;
    if (request[Caps.TSP_VERSION] !== VERSION) return error(VERSION_MISMATCH);
    // biome-ignore format: a table
    const acts: Record<number, () => Uint8Array> = {
      [GET_VERSION]:       () => reply(GET_VERSION, Uint8Array.of(1, VERSION)),
      [GET_CAPABILITIES]:  () => capabilities(),
      [SET_CONFIGURATION]: () => this.#setConfiguration(request),
      [GET_CONFIGURATION]: () => this.#getConfiguration(),
      [GET_REPORT]:        () => report(request),
      [LOCK]:              () => this.#lock(),
      [SET_TE_STATE]:      () => setTeState(request, this.#state),
    };
    const opcode = request[Caps.OPCODE]!;
    return acts[opcode]?.() ?? error(UNSUPPORTED_REQUEST, opcode);
  }

  #setConfiguration(request: Uint8Array): Uint8Array {
    if (request.length !== Configuration.SET_SIZE) return error(INVALID_REQUEST);
    if (this.#state !== UNLOCKED) return error(INVALID_SECURITY_STATE);
    this.#configuration = request.slice(0, Configuration.SIZE);
    return reply(SET_CONFIGURATION);
  }

  #getConfiguration(): Uint8Array {
    const answer = this.#configuration.slice();
    answer[Configuration.TSP_VERSION] = VERSION;
    answer[Configuration.OPCODE] = GET_CONFIGURATION & 0x7f;
    answer[Configuration.CURRENT_TSP_STATE] = this.#state;
    return answer;
  }

  #lock(): Uint8Array {
    if (this.#state === LOCKED) return error(ALREADY_LOCKED);
    this.#state = LOCKED;
    return reply(LOCK);
  }
}

function reply(opcode: number, rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  return join(Uint8Array.of(VERSION, opcode & 0x7f, 0, 0), rest);
}

function error(code: number, data = 0): Uint8Array {
  return join(Uint8Array.of(VERSION, ERROR, 0, 0), le32(code), le32(data));
}

/** No additional sessions: they would need PSK_EXCHANGE, which is not built. */
function capabilities(): Uint8Array {
  const answer = new Uint8Array(Caps.SIZE);
  answer.set(reply(GET_CAPABILITIES));
  putU16(answer, Caps.MEMORY_ENCRYPTION_FEATURES, 0x1); // encryption
  putU32(answer, Caps.MEMORY_ENCRYPTION_ALGORITHMS, 0x2); // AES-XTS-256
  putU16(answer, Caps.TE_STATE_FEATURES, 0x16); // read control, implicit, explicit in band
  putU32(answer, Caps.EXPLICIT_IB_GRANULARITY, 0x1); // 64 bytes
  putU16(answer, Caps.CONFIGURATION_FEATURES, 0x1); // update while locked
  return answer;
}

function report(request: Uint8Array): Uint8Array {
  if (request.length !== 8) return error(INVALID_REQUEST);
  const offset = u16(request, 4);
  const length = u16(request, 6);
  if (length === 0 || offset >= REPORT.length) return error(INVALID_REQUEST);
  const portion = REPORT.subarray(offset, offset + length);
  const remainder = REPORT.length - offset - portion.length;
  return reply(GET_REPORT, join(le16(portion.length), le16(remainder), portion));
}

function setTeState(request: Uint8Array, state: number): Uint8Array {
  if (state !== LOCKED) return error(INVALID_SECURITY_STATE);
  const ranges = request[3]!;
  if (request.length !== TE_STATE_BYTES + ranges * RANGE_BYTES) return error(INVALID_REQUEST);
  return reply(SET_TE_STATE);
}

function ideKm(request: Uint8Array): Uint8Array | undefined {
  const object = request[IdeKm.OBJECT_ID];
  if (object === IdeKm.QUERY && request.length === IdeKm.QUERY_SIZE) {
    const port = request[IdeKm.QUERY_PORT_INDEX]!;
    return port === 0
      ? Uint8Array.of(IdeKm.QUERY_RESP, 0, port, 0, 0, 0, 0, QUERY_CAPS)
      : undefined;
  }
  if (request.length < IdeKm.ACK_SIZE) return undefined;
  const ack = request.slice(0, IdeKm.ACK_SIZE);
  ack.fill(0, IdeKm.RESERVED_001, IdeKm.STREAM_ID);
  if (object === IdeKm.KEY_PROG) {
    ack[IdeKm.OBJECT_ID] = IdeKm.KP_ACK;
    ack[IdeKm.STATUS] = request.length === KEY_PROG_BYTES ? 0 : 1;
    return ack;
  }
  if (object !== IdeKm.K_SET_GO && object !== IdeKm.K_SET_STOP) return undefined;
  ack[IdeKm.OBJECT_ID] = IdeKm.K_GOSTOP_ACK;
  ack[IdeKm.STATUS] = 0;
  return ack;
}
