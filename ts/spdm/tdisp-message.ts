// A TDISP message: header and payload. TDISP 1.0, 11.3.
import * as Tdisp from "../abi/tdisp.ts";
import { join, putU32 } from "./octets.ts";

export function tdispMessage(type: number, functionId: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(Tdisp.SIZE);
  head[Tdisp.VERSION] = Tdisp.VERSION_1_0;
  head[Tdisp.MESSAGE_TYPE] = type;
  putU32(head, Tdisp.FUNCTION_ID, functionId);
  return join(head, payload);
}
