// A report by guest message: through GHCB and mailbox, and in the firmware's channel alone, beside the same cryptography in node:crypto.
import { createCipheriv, createDecipheriv, generateKeyPairSync, sign } from "node:crypto";
import { GuestMachine } from "../dist/cli/guest-machine.js";
import { seal } from "../dist/guest-message.js";
import { guestRequest } from "../dist/psp/channel.js";
import { sceneOf } from "../test/psp/scene.ts";
import type { Task } from "./measure.ts";

const CALLS = 20;
const question = { type: 5, version: 1, payload: new Uint8Array(0x60) };

/** What a report costs in cryptography: the guest seals, the firmware opens, signs and seals, the guest opens. */
function nodeCrypto(): () => void {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const [key, iv, header] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(48)];
  const there = (payload: Uint8Array) => {
    const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(header);
    return { sealed: cipher.update(payload), last: cipher.final(), tag: cipher.getAuthTag() };
  };
  const back = ({ sealed, tag }: ReturnType<typeof there>) => {
    const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(header).setAuthTag(tag);
    return [decipher.update(sealed), decipher.final()];
  };
  const [request, report, response] = [0x60, 0x2a0, 0x4c0].map((bytes) => new Uint8Array(bytes));
  return () => {
    back(there(request as Uint8Array));
    sign("sha384", report as Uint8Array, privateKey);
    back(there(response as Uint8Array));
  };
}

/** The channel alone: a request sealed, a response made. */
function channel(): () => void {
  const scene = sceneOf();
  return () => {
    const head = { seqno: (scene.guest.messageCount[0] as bigint) + 1n, vmpck: 0, ...question };
    const response = guestRequest(scene, seal(scene.guest.vmpck[0]!, head, question.payload));
    if (typeof response === "number") throw new Error(`status ${response}`);
  };
}

const repeated = (name: string, act: () => void): Task => ({
  name,
  units: CALLS,
  run() {
    for (let i = 0; i < CALLS; i++) act();
  },
});

/** A report by guest message whole, in the channel alone, and the peer of both. */
export async function messageTasks(): Promise<[Task, Task, Task]> {
  const options = { chip: "milan", seed: 1n, policy: 0x30000n, vmpck: 0, dialect: "abi" } as const;
  const machine = await GuestMachine.launch({ ...options, certificates: false });
  const whole = () => void machine.run(({ messages }) => messages.ask(question));
  return [
    repeated("report-by-guest-message", whole),
    repeated("report-in-the-channel", channel()),
    repeated("node:crypto: ECDSA P-384, AES-GCM", nodeCrypto()),
  ];
}
