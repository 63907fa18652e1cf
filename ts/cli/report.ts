// cloister report: an attestation report of the launched guest, by a guest message, with snpguest's words.
import type { Command } from "commander";
import * as Message from "../abi/message.ts";
import * as Request from "../abi/message-report-req.ts";
import * as Response from "../abi/message-report-rsp.ts";
import * as Report from "../abi/report.ts";
import * as Linux from "../abi/sev-guest.ts";
import { concat } from "../attest/bytes.ts";
import { CheckFailed, Misuse } from "../error.ts";
import { ioctl } from "../guest/sev-guest.ts";
import { tableLength } from "../guest/tsm-report.ts";
import { integerOption, readBytes, sayEmulated, writeBytes } from "./attestation.ts";
import { hostPrng } from "./host.ts";
import { DEFAULT_DIRECTORY } from "./state.ts";

interface Options {
  state: string;
  random?: boolean;
  extended?: boolean;
  vmpl: string;
}

const DATA = Request.VMPL - Request.REPORT_DATA;

/** What the report is to carry: 64 bytes of the request file, which --random writes. */
function requestData(file: string, random: boolean | undefined): Uint8Array {
  if (random) {
    const data = hostPrng.bytes(DATA);
    writeBytes(file, data);
    return data;
  }
  const data = readBytes(file);
  if (data.length === DATA) return data;
  throw new Misuse(`${file}: ${data.length} bytes, expected ${DATA}`);
}

async function run(path: string, file: string, options: Options): Promise<void> {
  const { GuestMachine } = await import("./guest-machine.ts");
  const vmpl = integerOption("--vmpl", options.vmpl, 3);
  const request = new Uint8Array(Linux.EXT_REPORT_REQ_BYTES);
  request.set(requestData(file, options.random), Request.REPORT_DATA);
  const view = new DataView(request.buffer);
  view.setUint32(Request.VMPL, vmpl, true);
  view.setUint32(Linux.CERTS_LEN, Linux.CERTS_LIMIT, true);
  const machine = await GuestMachine.open(options.state);
  const result = machine.run(({ messages }) =>
    ioctl(messages, Linux.SNP_GET_EXT_REPORT, 1, request),
  );
  const { errno, response, certificates } = result;
  if (errno !== 0) throw new CheckFailed(`SNP_GET_EXT_REPORT: errno ${errno}`);
  const status = new DataView(response.buffer).getUint32(Response.STATUS, true);
  if (status !== Message.SUCCESS) throw new CheckFailed(`MSG_REPORT_RSP: status ${status}`);
  const report = response.slice(Response.REPORT, Response.REPORT + Report.SIZE);
  const table = certificates.slice(0, tableLength(certificates));
  writeBytes(path, options.extended ? concat(report, table) : report);
  sayEmulated(path);
}

export function report(program: Command): void {
  program
    .command("report")
    .description("ask the launched guest for an attestation report")
    .argument("<att-report>", "where to write it")
    .argument("<request-file>", "the 64 bytes it is to carry")
    .option("-r, --random", "write random bytes to the request file first")
    .option("-v, --vmpl <n>", "0 to 3", "0")
    .option("-x, --extended", "with the certificate table behind it")
    .option("--state <dir>", "what cloister launch left", DEFAULT_DIRECTORY)
    .action(run);
}
