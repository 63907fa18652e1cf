// SEV-TIO's firmware and its conversations, carried by the hypervisor's driver to a TDISP device: what a host may break, and
// what is left then.
import { emulatedSlots } from "../../dist/device/certificates.js";
import { verifyEvidence } from "../../dist/guest/tio/evidence.js";
import { TioBuffer } from "../../dist/hypervisor/tsm/buffers.js";
import type { TioDevice } from "../../dist/hypervisor/tsm/device.js";
import { bufferOf } from "../../dist/layout.js";
import { wrapChain } from "../../dist/spdm/certificate.js";
import { seeded } from "../../dist/spdm/chance.js";
import { nobleCurves, SHA384 } from "../../dist/spdm/crypto.js";
import * as Command from "../../ts/abi/command.ts";
import * as Certificates from "../../ts/abi/psp/tio-dev-certificates.ts";
import * as Connect from "../../ts/abi/psp/tio-dev-connect.ts";
import * as Create from "../../ts/abi/psp/tio-dev-create.ts";
import * as Disconnect from "../../ts/abi/psp/tio-dev-disconnect.ts";
import * as Measurements from "../../ts/abi/psp/tio-dev-measurements.ts";
import * as Reclaim from "../../ts/abi/psp/tio-dev-reclaim.ts";
import * as DevStatus from "../../ts/abi/psp/tio-dev-status.ts";
import * as StatusPage from "../../ts/abi/psp/tio-dev-status-page.ts";
import * as RollKey from "../../ts/abi/psp/tio-roll-key.ts";
import * as Status from "../../ts/abi/status.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";
import { statusName } from "../psp/rig.ts";
import { PF0, ROOT_PORT, TioRig } from "./rig.ts";

const test = suite("SEV-TIO: a device is connected");

const is = (status: number, name: string, why = "") => assert.is(statusName(status), name, why);
const roll = (device: TioDevice) => device.command("TIO_ROLL_KEY", RollKey);
const measure = (device: TioDevice) => device.command("TIO_DEV_MEASUREMENTS", Measurements);
const certificates = (device: TioDevice) => device.command("TIO_DEV_CERTIFICATES", Certificates);

/** DEV_STATUS: the device's state, and the command under way. */
function statusOf(rig: TioRig, device: TioDevice): [state: number, pending: number] {
  const page = new TioBuffer(rig.parts, 0x1000, true);
  is(device.command("TIO_DEV_STATUS", DevStatus, { STATUS_PADDR: page.sla }), "SUCCESS");
  const view = new DataView(page.read(0, StatusPage.SIZE).buffer);
  page.free();
  return [view.getUint8(StatusPage.CTX_STATE), view.getUint16(StatusPage.PENDING_COMMAND, true)];
}

/** The host alters what it carries from some answer on. */
function alterFrom(
  rig: TioRig,
  skip: number,
  alter: (answer: Uint8Array) => Uint8Array | undefined,
) {
  const { carry } = rig;
  let left = skip;
  rig.carry = (object) => {
    const answer = carry(object);
    return left-- > 0 || !answer ? answer : alter(answer.slice());
  };
  return () => {
    rig.carry = carry;
  };
}

const flipped = (answer: Uint8Array) => {
  answer[answer.length - 5]! ^= 1;
  return answer;
};

test("DEV_CONNECT gives root port and device the same six keys, and DEV_DISCONNECT takes them back", () => {
  const rig = new TioRig();
  const device = rig.connected();
  assert.is(rig.board.going.size, 2);
  const [port] = rig.device.functions;
  const stream = port!.streams[0]!;
  for (const sub of [0, 1, 2]) {
    const tx = rig.board.keys.get(`0 0 tx ${sub}`)!;
    const rx = rig.board.keys.get(`0 0 rx ${sub}`)!;
    assert.equal(tx.key, stream.receiveKey(sub, 0)!.key);
    assert.equal(rx.key, stream.transmitKey(sub)!.key.key);
  }
  assert.ok(stream.isSecure);
  is(device.disconnect(), "SUCCESS");
  assert.is(rig.board.keys.size, 0);
  assert.not(stream.isSecure);
  is(device.reclaim(), "SUCCESS");
});

test("a device of SPDM 1.1, 1.2 or 1.3 is connected, and its measurements verify for whoever has the nonce", () => {
  for (const version of [0x11, 0x12, 0x13]) {
    const rig = new TioRig({ device: { versions: [version] } });
    const device = rig.connected();
    const nonce = new Uint8Array(32).fill(version);
    const asked = { MEAS_NONCE: nonce };
    is(device.command("TIO_DEV_MEASUREMENTS", Measurements, asked), "SUCCESS");
    const measured = device.output();
    is(certificates(device), "SUCCESS");
    const evidence = { certificates: device.output(), measurements: measured };
    const { measurements } = verifyEvidence(evidence, nonce, TOY);
    assert.is(measurements.length, 6);
    assert.throws(() => verifyEvidence(evidence, new Uint8Array(32), TOY), /another nonce/);
    const bent = measured.map((byte, i) => byte ^ Number(i === measured.length - 1));
    assert.throws(
      () => verifyEvidence({ ...evidence, measurements: bent }, nonce, TOY),
      /signature is wrong/,
    );
  }
});

test("ROLL_KEY gives both ends other keys; one that the device is not ready for is refused and leaves the stream as it was", () => {
  const rig = new TioRig();
  const device = rig.connected();
  const before = [...rig.board.keys.values()].map(({ key }) => key.join());
  is(roll(device), "SUCCESS");
  const after = [...rig.board.keys.values()].filter(({ keySet }) => keySet === 1);
  assert.is(after.length, 6);
  assert.not(after.some(({ key }) => before.includes(key.join())));
  // Its receivers wait for the first TLP under the new keys.
  is(roll(device), "SPDM_ERROR");
  assert.equal(statusOf(rig, device), [1, 0]);
  is(measure(device), "SUCCESS");
});

test("an answer in the session that is altered, repeated or another's ends it, and the stream with it", () => {
  const lies: [string, (rig: TioRig) => () => void][] = [
    ["altered", (rig) => alterFrom(rig, 0, flipped)],
    ["cut", (rig) => alterFrom(rig, 0, (answer) => shortened(answer))],
    [
      "repeated",
      (rig) => {
        let first: Uint8Array | undefined;
        return alterFrom(rig, 0, (answer) => (first ??= answer));
      },
    ],
  ];
  for (const [how, lie] of lies) {
    const rig = new TioRig();
    const device = rig.connected();
    const stop = lie(rig);
    is(certificates(device), "SPDM_ERROR", how);
    stop();
    assert.equal(statusOf(rig, device), [2, 0], how);
    assert.is(rig.board.keys.size, 0, how);
    is(certificates(device), "ERR_IN_DEV_CONN", how);
    is(device.disconnect(), "SUCCESS", "by force");
    assert.equal(statusOf(rig, device), [0, 0]);
  }
});

/** A data object of half the size, true to its header. */
function shortened(answer: Uint8Array): Uint8Array {
  const short = answer.slice(0, 16);
  new DataView(short.buffer).setUint32(4, 4, true);
  return short;
}

test("a DEV_CONNECT that breaks off, wherever it does, leaves a created device and no key", () => {
  const rig = new TioRig();
  const device = rig.created();
  let broken = 0;
  for (let skip = 0; ; skip++) {
    const stop = alterFrom(rig, skip, flipped);
    const status = device.connect(0);
    stop();
    if (status === Status.SUCCESS) break;
    // What is altered in the padding of an answer nobody can notice.
    is(status, "SPDM_ERROR", `answer ${skip}`);
    assert.equal(statusOf(rig, device), [0, 0]);
    assert.is(rig.board.keys.size, 0);
    broken++;
    // Curves cost: from the session on, every third answer will do.
    if (skip > 8) skip += 4;
    if (skip > 24) break;
  }
  assert.ok(broken > 8, `${broken}`);
});

test("a host that gives a DEV_CONNECT up can reclaim the device, and nothing of its keys is left", () => {
  const rig = new TioRig();
  const device = rig.created();
  const stop = alterFrom(rig, 16, () => undefined);
  assert.is(device.connect(0), -1);
  stop();
  assert.equal(statusOf(rig, device), [0, Command.TIO_DEV_CONNECT]);
  assert.ok(rig.board.keys.size > 0, "some keys are programmed already");
  is(device.command("TIO_DEV_RECLAIM", Reclaim), "SUCCESS");
  assert.is(rig.board.keys.size, 0);
});

test("a response buffer that is no answer is refused, and the command still waits for one", () => {
  const rig = new TioRig();
  const device = rig.connected();
  const buffer = bufferOf(Measurements, device.addresses(Measurements));
  const send = () => rig.driver.send(Command.TIO_DEV_MEASUREMENTS, buffer);
  is(send(), "SPDM_REQUEST");
  const response = new Uint8Array(64 + 32);
  const set = (at: number, value: number) =>
    new DataView(response.buffer).setUint32(at, value, true);
  set(0, rig.sizes.request);
  const wrong: [string, () => void][] = [
    ["INCORRECT_BUFFER_LENGTH", () => set(4, 0)],
    ["INCORRECT_BUFFER_LENGTH", () => set(4, 33)],
    ["INCORRECT_BUFFER_LENGTH", () => set(4, 0x10000)],
    ["INCORRECT_BUFFER_LENGTH", () => set(4, 32)],
    ["INVALID_PARAM", () => set(68, 32)],
    [
      "INVALID_PARAM",
      () => {
        // An answer in order, but for its ENCRYPTION flag.
        response.set([2], 64);
        response.set([1, 2], 73);
        set(8, 1);
      },
    ],
  ];
  const spa = device.addresses(Measurements)["RESP_SLA"] as bigint;
  const list = new Uint8Array(8);
  rig.host.read(spa & ~0xfffn, list);
  const page = new DataView(list.buffer).getBigUint64(0, true);
  for (const [status, change] of wrong) {
    change();
    rig.host.write(page, response);
    is(send(), status);
    assert.equal(statusOf(rig, device), [1, Command.TIO_DEV_MEASUREMENTS]);
  }
  rig.expect(
    Status.INVALID_DEV_STATE,
    "TIO_DEV_CERTIFICATES",
    Certificates,
    device.addresses(Certificates),
  );
});

test("an object that does not fit says how large the buffer must be, and is given without asking the device again", () => {
  const rig = new TioRig({ device: { measurements: [large()] } });
  const device = rig.connected();
  const small = new TioBuffer(rig.parts, 0x1000, true);
  let carried = 0;
  const { carry } = rig;
  rig.carry = (object) => {
    carried++;
    return carry(object);
  };
  const raw = { FLAGS: 1, OUTPUT_SLA: small.sla };
  is(device.command("TIO_DEV_MEASUREMENTS", Measurements, raw), "SUCCESS");
  const asked = carried;
  const object = device.output();
  assert.ok(object.length > 0x1000);
  is(device.command("TIO_DEV_MEASUREMENTS", Measurements, { FLAGS: 1 }), "SUCCESS");
  assert.is(carried - asked, asked, "a larger buffer saves no message and costs none");
});

const large = () => ({
  index: 1,
  valueType: 1,
  value: new Uint8Array(0x1000 - 64).fill(7),
  raw: true,
});

test("a device that shows another chain than it was connected with is DEV_CERT_CHANGED", () => {
  const rig = new TioRig();
  const device = rig.connected();
  is(certificates(device), "SUCCESS");
  const [slot] = emulatedSlots(nobleCurves, seeded("another device"), 1);
  const chain = wrapChain(SHA384, slot!.p384!.certificates);
  rig.device.spdm.chain = () => chain;
  is(certificates(device), "DEV_CERT_CHANGED");
  assert.equal(statusOf(rig, device), [1, 0]);
});

test("addresses that are no buffers are refused by what is wrong with them", () => {
  const rig = new TioRig();
  const lent = rig.firmwarePage();
  const create = (status: number, DEV_CTX_SLA: bigint, values = {}) => {
    const all = {
      LENGTH: Create.SIZE,
      DEVICE_ID: PF0,
      ROOT_PORT_ID: ROOT_PORT,
      DEV_CTX_SLA,
      ...values,
    };
    rig.expect(status, "TIO_DEV_CREATE", Create, all);
  };
  create(Status.INVALID_ADDRESS, 0n);
  create(Status.INVALID_ADDRESS, ((1n << 40n) - 1n) << 12n);
  create(Status.INVALID_PARAM, lent | (1n << 11n));
  create(Status.INVALID_PARAM, lent | (1n << 60n));
  create(Status.INVALID_ADDRESS, lent | 1n);
  create(Status.INVALID_PAGE_STATE, rig.page());
  create(Status.INVALID_PARAM, lent, { ROOT_PORT_ID: 9 });
  create(Status.SUCCESS, lent);
  create(Status.INVALID_PAGE_STATE, lent);
  create(Status.IN_USE, rig.firmwarePage());
});

test("a context that was altered or rolled back on the chips is SECURE_DATA_INVALID", () => {
  const rig = new TioRig();
  const device = rig.created();
  const spa = device.addresses(Disconnect)["DEV_CTX_SLA"] as bigint;
  const { dimm } = rig.lab.core;
  const [old, now] = [new Uint8Array(0x1000), new Uint8Array(0x1000)];
  dimm.read(spa, old);
  is(device.connect(0), "SUCCESS");
  dimm.read(spa, now);
  dimm.write(spa, old);
  is(certificates(device), "SECURE_DATA_INVALID", "rolled back");
  dimm.write(
    spa,
    now.map((byte, i) => byte ^ Number(i === 40)),
  );
  is(certificates(device), "SECURE_DATA_INVALID", "altered");
  dimm.write(spa, now);
  is(certificates(device), "SUCCESS");
});

test("SNP_SHUTDOWN takes keys and entries away, and gives the contexts back as Firmware pages", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const pages = ["DEV_CTX_SLA"].map((name) => tdi.device.addresses(Connect)[name] as bigint);
  rig.shutDown();
  assert.is(rig.board.keys.size, 0);
  assert.is(rig.psp.tio.isInit, false);
  for (const spa of pages) assert.equal(rig.read(spa), new Uint8Array(0x1000));
});
