// The guest device on its socket: frames, errors, a guest that runs behind it in both dialects. docs/guest-device.md.
import { mkdtempSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authoritiesOf } from "../../dist/attest/evidence/index.js";
import { makeGuideChain } from "../../dist/attest/guide/certify.js";
import { verifyGuide } from "../../dist/attest/guide/verify.js";
import { attestExtended } from "../../dist/attest/index.js";
import { serveGuestDevice } from "../../dist/cli/guest-device-server.js";
import { answerTo } from "../../dist/cli/guest-frame.js";
import { GuestMachine, type GuestMachineOptions } from "../../dist/cli/guest-machine.js";
import { prng } from "../../dist/prng.js";
import { assert, rejects, suite } from "../kit.ts";

const test = suite("the guest device");

const defaults: GuestMachineOptions = {
  chip: "milan",
  seed: 7n,
  policy: 0x30000n,
  vmpck: 0,
  dialect: "abi",
  certificates: true,
};
const machines = new Map<string, Promise<GuestMachine>>();

/** One machine for all tests with the same options: a launch takes a second. */
function machineOf(options: Partial<GuestMachineOptions> = {}): Promise<GuestMachine> {
  const all = { ...defaults, ...options };
  const name = Object.values(all).join();
  const machine = machines.get(name) ?? GuestMachine.launch(all);
  machines.set(name, machine);
  return machine;
}

function frameOf(command: number, ...parts: (Uint8Array | number[])[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const frame = new Uint8Array(8 + body.length);
  frame.set(body, 8);
  new DataView(frame.buffer).setUint32(0, 4 + body.length, true);
  new DataView(frame.buffer).setUint32(4, command, true);
  return frame;
}

interface Answer {
  errno: number;
  fwError: number;
  vmmError: number;
  certsLength: number;
  body: Uint8Array;
}

function answerIn(frame: Uint8Array): Answer {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const word = (at: number) => view.getUint32(at, true);
  assert.is(word(0), frame.length - 4);
  const [errno, fwError, vmmError, certsLength] = [word(4), word(8), word(12), word(16)];
  return { errno, fwError, vmmError, certsLength, body: frame.slice(20) };
}

const ask = (machine: GuestMachine, frame: Uint8Array): Answer =>
  answerIn(machine.run((devices) => answerTo(devices, frame)));

const [REPORT, KEY, EXTENDED] = [0xc0205300, 0xc0205301, 0xc0205302];
const V1 = [1, 0, 0, 0];
const text = (letters: string) => new TextEncoder().encode(letters);

function extended(room: number, fill = 0): Uint8Array {
  const request = new Uint8Array(112).fill(fill, 0, 64);
  new DataView(request.buffer).setUint32(104, room, true);
  return request;
}

test("gives a report with its certificates, which verify under the root of the machine's seed", async () => {
  for (const chip of ["milan", "turin"] as const) {
    const machine = await machineOf({ chip });
    const short = ask(machine, frameOf(EXTENDED, V1, extended(0)));
    assert.equal([short.errno, short.fwError, short.vmmError], [5, 0, 1]);
    assert.ok(short.certsLength > 0 && short.certsLength % 4096 === 0);
    const whole = ask(machine, frameOf(EXTENDED, V1, extended(short.certsLength, 3)));
    assert.equal([whole.errno, whole.certsLength], [0, short.certsLength]);
    const report = whole.body.slice(32, 32 + 1184);
    const file = Buffer.concat([report, whole.body.subarray(4000)]);
    const product = chip === "milan" ? "Milan" : "Turin";
    const roots = [authoritiesOf(product).ARK.certificate];
    const policy = { reportData: new Uint8Array(64).fill(3) };
    const result = await attestExtended(new Uint8Array(file), { roots, now: Date.now() }, policy);
    assert.is(result.accepted, true, result.says);
  }
});

test("gives the same report and key for the same question, whoever asks", async () => {
  const machine = await machineOf();
  const report = () => ask(machine, frameOf(REPORT, V1, new Uint8Array(96))).body;
  assert.equal(report(), report());
  const key = (flags: number) => ask(machine, frameOf(KEY, V1, [flags], new Uint8Array(31))).body;
  assert.equal(key(0), key(0));
  assert.is(key(0)[0], 0);
  assert.is(key(1)[0], 0x27, "no VMRK was given");
});

test("answers by errno what is no ioctl, no size and no file, and goes on", async () => {
  const machine = await machineOf();
  const rows: [number, (Uint8Array | number[])[], number][] = [
    [REPORT, [V1, new Uint8Array(95)], 22],
    [REPORT, [[0, 0, 0, 0], new Uint8Array(96)], 22],
    [REPORT, [[1]], 22],
    [REPORT + 9, [V1, new Uint8Array(96)], 25],
    [EXTENDED, [V1, extended(100)], 22],
    [1, [text("a/b")], 22],
    [2, [text("nothing")], 2],
    [3, [text("nothing/outblob")], 2],
    [3, [text("a/b/c")], 2],
    [4, [[200, 0], text("x")], 22],
    [4, [[], []], 22],
  ];
  for (const [command, parts, errno] of rows) {
    assert.is(ask(machine, frameOf(command, ...parts)).errno, errno, `${command}`);
  }
  assert.is(ask(machine, frameOf(REPORT, V1, new Uint8Array(96))).errno, 0);
});

test("has configfs-tsm's files", async () => {
  const machine = await machineOf();
  const write = (path: string, data: Uint8Array) =>
    ask(machine, frameOf(4, [path.length, 0], text(path), data)).errno;
  const read = (path: string) => ask(machine, frameOf(3, text(path)));
  assert.is(ask(machine, frameOf(1, text("entry"))).errno, 0);
  assert.is(write("entry/inblob", new Uint8Array(64).fill(5)), 0);
  assert.is(new TextDecoder().decode(read("entry/generation").body), "1\n");
  const { body } = read("entry/outblob");
  assert.equal([body.length, body[0x50]], [1184, 5]);
  assert.ok(read("entry/auxblob").body.length > 1000);
  assert.is(ask(machine, frameOf(2, text("entry"))).errno, 0);
  assert.is(read("entry/outblob").errno, 2);
});

test("runs a guest of the field guide's dialect, whose reports hold by its chain", async () => {
  const machine = await machineOf({ dialect: "field-guide", policy: 0x10001n });
  const { body, errno } = ask(machine, frameOf(REPORT, V1, new Uint8Array(96)));
  assert.is(errno, 0);
  const at = Date.now();
  const { ARK, ASK, PCERT, SP } = await makeGuideChain({ seed: "7", product: "Milan", at });
  const report = body.slice(32, 32 + 1184);
  const result = await verifyGuide(report, [SP, PCERT, ASK, ARK], { roots: [ARK], now: at });
  assert.is(result.accepted, true, result.says);
  assert.is(result.report?.policy, 0x10001n);
});

test("refuses a part without SNP and a policy that the firmware refuses", async () => {
  await rejects(GuestMachine.launch({ ...defaults, chip: "rome" }), /rome/);
  await rejects(GuestMachine.launch({ ...defaults, policy: 0n }), /SNP_LAUNCH_START/);
});

/** What comes back on a connection for these bytes, until it closes or `bytes` have come. */
function conversation(path: string, sent: Uint8Array[], bytes: number): Promise<Buffer> {
  const socket: Socket = connect(path);
  const parts: Buffer[] = [];
  return new Promise((done) => {
    const end = () => {
      socket.destroy();
      done(Buffer.concat(parts));
    };
    socket.on("data", (part) => {
      parts.push(part);
      if (Buffer.concat(parts).length >= bytes) end();
    });
    socket.on("close", end);
    socket.on("error", end);
    for (const part of sent) socket.write(part);
  });
}

test("takes frames in any pieces and many at once, and hangs up on what is none", async () => {
  const machine = await machineOf();
  const path = join(mkdtempSync(join(tmpdir(), "cloister-")), "guest.sock");
  const server = await serveGuestDevice(path, (frame) =>
    machine.run((devices) => answerTo(devices, frame)),
  );
  const frame = frameOf(REPORT, V1, new Uint8Array(96));
  const size = 20 + 4000;
  const [a, b] = [frame.subarray(0, 5), frame.subarray(5)];
  const answers = await conversation(path, [a, b, Buffer.concat([frame, frame])], 3 * size);
  assert.is(answers.length, 3 * size);
  assert.equal(answers.subarray(0, size), answers.subarray(size, 2 * size));
  for (const length of [0, 3, 0x10001, 0xffffffff]) {
    const wrong = new Uint8Array(8);
    new DataView(wrong.buffer).setUint32(0, length, true);
    assert.is((await conversation(path, [wrong], 1)).length, 0, `length ${length}`);
  }
  assert.is((await conversation(path, [frame], size)).length, size);
  server.close();
});

test("answers 300 seeded frames of nonsense, and one question after them", async () => {
  const machine = await machineOf();
  const chance = prng(20260608n, "frames");
  for (let i = 0; i < 300; i++) {
    const [a = 0, b = 0, c = 0] = chance.bytes(3);
    const commands = [1, 2, 3, 4, REPORT, KEY, EXTENDED, 0x53 + b];
    const body = chance.bytes((c % 4) * 30 + (b % 7));
    const { errno } = ask(machine, frameOf(commands[a % commands.length] as number, body));
    assert.ok([0, 2, 5, 13, 17, 22, 25].includes(errno), `frame ${i}: errno ${errno}`);
  }
});
