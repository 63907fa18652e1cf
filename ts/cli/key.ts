// cloister key: a key derived for the launched guest, by a guest message, with snpguest's words.
import type { Command } from "commander";
import * as Message from "../abi/message.ts";
import * as Request from "../abi/message-key-req.ts";
import * as Response from "../abi/message-key-rsp.ts";
import { BadInput, Misuse } from "../error.ts";
import { integerOption, sayEmulated, wordOption, writeBytes } from "./attestation.ts";
import { DEFAULT_DIRECTORY } from "./state.ts";

interface Options {
  state: string;
  vmpl: string;
  guest_field_select: string;
  guest_svn: string;
  tcb_version: string;
  launch_mit_vector?: string;
}

const roots: Record<string, number> = { vcek: 0, vmrk: 1 };
const MOST_SVN = 0xffffffff;

/** MSG_KEY_REQ; version 2 when a mitigation vector is asked for. */
function questionOf(root: string, options: Options) {
  const select = roots[root.toLowerCase()];
  if (select === undefined) throw new Misuse(`root key "${root}", expected vcek or vmrk`);
  const { launch_mit_vector: vector } = options;
  const payload = new Uint8Array(vector === undefined ? Request.VERSION_1_SIZE : Request.SIZE);
  const view = new DataView(payload.buffer);
  const word = (name: keyof Options) => wordOption(`--${name}`, options[name] as string);
  view.setUint32(Request.FLAGS, select, true);
  view.setBigUint64(Request.GUEST_FIELD_SELECT, word("guest_field_select"), true);
  view.setUint32(Request.VMPL, integerOption("--vmpl", options.vmpl, 3), true);
  view.setUint32(
    Request.GUEST_SVN,
    integerOption("--guest_svn", options.guest_svn, MOST_SVN),
    true,
  );
  view.setBigUint64(Request.TCB_VERSION, word("tcb_version"), true);
  if (vector !== undefined)
    view.setBigUint64(Request.LAUNCH_MIT_VECTOR, word("launch_mit_vector"), true);
  return { type: Message.KEY_REQ, version: vector === undefined ? 1 : 2, payload };
}

const refusals: Record<number, string> = {
  [Message.INVALID_PARAMETERS]:
    "invalid parameters: a VMPL, SVN, TCB or vector that the guest has not",
  [Message.INVALID_KEY]: "the guest has no such root key",
};

async function run(path: string, root: string, options: Options): Promise<void> {
  const question = questionOf(root, options);
  const { GuestMachine } = await import("./guest-machine.ts");
  const machine = await GuestMachine.open(options.state);
  const { payload } = machine.run(({ messages }) => messages.ask(question));
  const status = new DataView(payload.buffer).getUint32(Response.STATUS, true);
  if (status !== Message.SUCCESS)
    throw new BadInput(`MSG_KEY_RSP: status 0x${status.toString(16)}, ${refusals[status]}`);
  writeBytes(path, payload.subarray(Response.DERIVED_KEY, Response.SIZE));
  sayEmulated(path);
}

export function key(program: Command): void {
  program
    .command("key")
    .description("ask for a key derived for the launched guest, 32 bytes")
    .argument("<key-path>", "where to write it")
    .argument("<root-key>", "vcek or vmrk")
    .option("-v, --vmpl <n>", "to mix in, 0 to 3", "0")
    .option("-g, --guest_field_select <mask>", "which fields to mix in, bits 0 to 6", "0")
    .option("-s, --guest_svn <n>", "to mix in, at most the guest's", "0")
    .option("-t, --tcb_version <word>", "to mix in, at most the committed one", "0")
    .option("-l, --launch_mit_vector <word>", "to mix in, of the guest's")
    .option("--state <dir>", "what cloister launch left", DEFAULT_DIRECTORY)
    .action(run);
}
