// What Linux's sev-guest driver makes of an ioctl: a guest message, and an errno. Linux drivers/virt/coco/sev-guest/sev-guest.c.
import * as Message from "../abi/message.ts";
import * as Ioctl from "../abi/sev-guest.ts";
import type { Step } from "./cpu.ts";
import {
  type Answer,
  type Errno,
  type GuestMessages,
  MessageFailed,
  type Question,
} from "./messages.ts";

/** What an ioctl gives back: errno 0 and a response, or an errno; exitinfo2 either way. */
export interface IoctlResult {
  readonly errno: number;
  readonly fwError: number;
  readonly vmmError: number;
  /** struct snp_report_resp or snp_derived_key_resp, zeros behind what the firmware said. */
  readonly response: Uint8Array;
  /** certs_len as it is written back, and that many bytes. */
  readonly certsLength: number;
  readonly certificates: Uint8Array;
}

const PAGE = 0x1000;
const NONE = new Uint8Array(0);

const errnos: Record<Errno, number> = {
  EINVAL: Ioctl.EINVAL,
  ENOTTY: Ioctl.ENOTTY,
  EIO: Ioctl.EIO,
  EBADMSG: Ioctl.EBADMSG,
  EAGAIN: Ioctl.EAGAIN,
  // The driver tells its user EIO; exitinfo2 says what it was.
  ENOSPC: Ioctl.EIO,
};

const refusedWith = (errno: number): IoctlResult => ({
  errno,
  fwError: 0,
  vmmError: 0,
  response: NONE,
  certsLength: 0,
  certificates: NONE,
});

/** An ioctl's message, and bytes of its response. */
interface Row {
  readonly type: number;
  readonly request: number;
  readonly response: number;
}

const rows = new Map<number, Row>([
  [
    Ioctl.SNP_GET_REPORT,
    {
      type: Message.REPORT_REQ,
      request: Ioctl.REPORT_REQ_BYTES,
      response: Ioctl.REPORT_RESP_BYTES,
    },
  ],
  [
    Ioctl.SNP_GET_DERIVED_KEY,
    {
      type: Message.KEY_REQ,
      request: Ioctl.DERIVED_KEY_REQ_BYTES,
      response: Ioctl.DERIVED_KEY_RESP_BYTES,
    },
  ],
  [
    Ioctl.SNP_GET_EXT_REPORT,
    {
      type: Message.REPORT_REQ,
      request: Ioctl.EXT_REPORT_REQ_BYTES,
      response: Ioctl.REPORT_RESP_BYTES,
    },
  ],
]);

/** One ioctl upon /dev/sev-guest; `request` is the struct that req_data points to. */
export function* ioctl(
  messages: GuestMessages,
  command: number,
  msgVersion: number,
  request: Uint8Array,
): Step<IoctlResult> {
  const row = rows.get(command);
  if (!row) return refusedWith(Ioctl.ENOTTY);
  if (msgVersion === 0 || request.length !== row.request) return refusedWith(Ioctl.EINVAL);
  const question: Question = { type: row.type, version: msgVersion, payload: request };
  if (command !== Ioctl.SNP_GET_EXT_REPORT) return yield* answer(messages, question, row.response);
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const room = view.getUint32(Ioctl.CERTS_LEN, true);
  if (room > Ioctl.CERTS_LIMIT || room % PAGE !== 0) return refusedWith(Ioctl.EINVAL);
  const payload = request.subarray(0, Ioctl.REPORT_REQ_BYTES);
  const extended = { ...question, payload, certificatePages: room / PAGE };
  return yield* answer(messages, extended, row.response);
}

function* answer(messages: GuestMessages, question: Question, bytes: number): Step<IoctlResult> {
  let answered: Answer;
  try {
    answered = yield* messages.ask(question);
  } catch (error) {
    if (!(error instanceof MessageFailed)) throw error;
    return {
      ...refusedWith(errnos[error.errno]),
      fwError: Number(error.exitInfo2 & 0xffffffffn),
      vmmError: Number(error.exitInfo2 >> 32n),
      certsLength: error.pages * PAGE,
    };
  }
  const { payload, certificates } = answered;
  const response = new Uint8Array(bytes);
  response.set(payload.subarray(0, bytes));
  return { ...refusedWith(0), response, certificates, certsLength: certificates.length };
}
