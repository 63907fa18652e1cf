// What a frame on the guest device's socket asks, and the frame that answers it. docs/guest-device.md.

import * as Frame from "../abi/guest-device.ts";
import * as Answer from "../abi/guest-device-answer.ts";
import * as Linux from "../abi/sev-guest.ts";
import { concat } from "../attest/bytes.ts";
import type { Step } from "../guest/cpu.ts";
import type { GuestMessages } from "../guest/messages.ts";
import { type IoctlResult, ioctl } from "../guest/sev-guest.ts";
import { FileError, type TsmReports } from "../guest/tsm-report.ts";

/** The guest's two devices. */
export interface GuestDevices {
  readonly messages: GuestMessages;
  readonly reports: TsmReports;
}

const NONE = new Uint8Array(0);
const WORD = 4;
const PATH_LENGTH = 2;

type Said = Pick<IoctlResult, "errno" | "fwError" | "vmmError" | "certsLength">;

function answerFrame(said: Partial<Said>, ...parts: Uint8Array[]): Uint8Array {
  const frame = concat(new Uint8Array(Answer.SIZE), ...parts);
  const view = new DataView(frame.buffer);
  view.setUint32(Answer.LENGTH, frame.length - WORD, true);
  view.setUint32(Answer.ERRNO, said.errno ?? 0, true);
  view.setUint32(Answer.FW_ERROR, said.fwError ?? 0, true);
  view.setUint32(Answer.VMM_ERROR, said.vmmError ?? 0, true);
  view.setUint32(Answer.CERTS_LEN, said.certsLength ?? 0, true);
  return frame;
}

const isFileOperation = (command: number) => command >= Frame.MKDIR && command <= Frame.WRITE;

/** Answers one frame, given whole. */
export function* answerTo(devices: GuestDevices, frame: Uint8Array): Step<Uint8Array> {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const command = view.getUint32(Frame.COMMAND, true);
  const body = frame.subarray(Frame.SIZE);
  if (isFileOperation(command)) return yield* answerFile(devices.reports, command, body);
  if (body.length < WORD) return answerFrame({ errno: Linux.EINVAL });
  const msgVersion = view.getUint32(Frame.SIZE, true);
  const said = yield* ioctl(devices.messages, command, msgVersion, body.subarray(WORD));
  return answerFrame(said, said.response, said.certificates);
}

function* answerFile(reports: TsmReports, command: number, body: Uint8Array): Step<Uint8Array> {
  try {
    return answerFrame({}, yield* operate(reports, command, body));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return answerFrame({ errno: error.errno });
  }
}

/** mkdir, rmdir and read name a path; write has its length before it and the data behind. */
function* operate(reports: TsmReports, command: number, body: Uint8Array): Step<Uint8Array> {
  const at = command === Frame.WRITE ? PATH_LENGTH : 0;
  const length = at === 0 ? body.length : (body[0] ?? 0) + 256 * (body[1] ?? 0);
  if (at + length > body.length) throw new FileError(Linux.EINVAL, "path");
  const path = new TextDecoder().decode(body.subarray(at, at + length));
  const [name, attribute, ...rest] = path.split("/") as [string, ...string[]];
  if (rest.length > 0) throw new FileError(Linux.ENOENT, path);
  if (command === Frame.MKDIR) reports.mkdir(path);
  else if (command === Frame.RMDIR) reports.rmdir(path);
  else if (command === Frame.READ) return yield* reports.read(name, attribute ?? "");
  else reports.write(name, attribute ?? "", body.subarray(at + length));
  return NONE;
}
