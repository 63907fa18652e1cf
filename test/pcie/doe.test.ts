import {
  type Act,
  DoeMailbox,
  mailboxTable,
  type Operation,
  type State,
} from "../../dist/pcie/doe.js";
import { dataObject } from "../../dist/spdm/data-object.js";
import { drive } from "../../dist/spdm/exchange.js";
import { hex, u32 } from "../../dist/spdm/octets.js";
import { connectDevice } from "../../dist/tsm/connect.js";
import { discover, mailboxTransport } from "../../dist/tsm/doe.js";
import { rig, STREAM } from "../device/rig.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a DOE mailbox");

const [CONTROL, STATUS, WRITE, READ] = [0x08, 0x0c, 0x10, 0x14];
const GO = 0x80000000;
const discovery = dataObject(0, new Uint8Array(4));

interface Made {
  mailbox: DoeMailbox;
  clock: { time: number; now(): number };
  interrupts: number;
}

function mailbox(latency = 0): Made {
  const clock = { time: 0, now: () => clock.time };
  const made: Made = { clock, interrupts: 0, mailbox: undefined as unknown as DoeMailbox };
  const exchange = (object: Uint8Array) => (object[2] === 0 ? object.slice() : undefined);
  const interrupt = () => {
    made.interrupts++;
  };
  made.mailbox = new DoeMailbox({ exchange, clock, latency, limit: 8, interrupt });
  return made;
}

function put(to: DoeMailbox, object: Uint8Array): void {
  for (let at = 0; at < object.length; at += 4) to.write(WRITE, u32(object, at));
}

const reach: Record<State, () => Made> = {
  IDLE: () => mailbox(),
  BUSY() {
    const made = mailbox(10);
    put(made.mailbox, discovery);
    made.mailbox.write(CONTROL, GO);
    return made;
  },
  READY() {
    const made = mailbox();
    put(made.mailbox, discovery);
    made.mailbox.write(CONTROL, GO);
    return made;
  },
  ERROR() {
    const made = mailbox();
    made.mailbox.write(READ, 0);
    return made;
  },
};

// state after: WRITE, GO (of nothing), POP, ABORT
// biome-ignore format: a table
const AFTER: Record<State, Record<Operation, State>> = {
  IDLE:  { WRITE: "IDLE",  GO: "IDLE",  POP: "ERROR", ABORT: "IDLE" },
  BUSY:  { WRITE: "BUSY",  GO: "BUSY",  POP: "ERROR", ABORT: "IDLE" },
  READY: { WRITE: "READY", GO: "ERROR", POP: "READY", ABORT: "IDLE" },
  ERROR: { WRITE: "ERROR", GO: "ERROR", POP: "ERROR", ABORT: "IDLE" },
};
const operate: Record<Operation, (to: DoeMailbox) => void> = {
  WRITE: (to) => to.write(WRITE, 1),
  GO: (to) => to.write(CONTROL, GO),
  POP: (to) => to.write(READ, 0),
  ABORT: (to) => to.write(CONTROL, 1),
};

for (const [state, row] of Object.entries(AFTER) as [State, Record<Operation, State>][]) {
  for (const [operation, after] of Object.entries(row) as [Operation, State][]) {
    test(`${operation} in ${state} leads to ${after}`, () => {
      const made = reach[state]();
      assert.is(made.mailbox.state, state);
      operate[operation](made.mailbox);
      assert.is(made.mailbox.state, after);
    });
  }
}

test("the table has exactly these states and operations", () => {
  const acts: Act[] = Object.values(mailboxTable).flatMap((row) => Object.values(row));
  assert.is(acts.length, 16);
});

test("the answer is read DW by DW, and a pop beyond it is an error", () => {
  const { mailbox: box } = reach.READY();
  const words: number[] = [];
  for (let n = 0; n < 3; n++) {
    assert.is(box.read(STATUS) >>> 31, 1);
    words.push(box.read(READ));
    box.write(READ, 0);
  }
  assert.equal(words, [1, 3, 0]);
  assert.is(box.read(STATUS), 0);
  assert.is(box.read(READ), 0);
  box.write(READ, 0);
  assert.is(box.read(STATUS), 4);
});

test("an object whose length is not what was written is discarded in silence", () => {
  const { mailbox: box } = mailbox();
  put(box, discovery.subarray(0, 8));
  box.write(CONTROL, GO);
  assert.is(box.state, "IDLE");
  put(box, discovery);
  box.write(CONTROL, GO);
  assert.is(box.state, "READY");
});

test("more DWs than the mailbox holds are an error, ABORT wins over GO", () => {
  const { mailbox: box } = mailbox();
  for (let n = 0; n < 9; n++) box.write(WRITE, n);
  assert.is(box.state, "ERROR");
  box.write(CONTROL, GO + 1);
  assert.is(box.state, "IDLE");
});

test("BUSY lasts as long as the device works", () => {
  const { mailbox: box, clock } = reach.BUSY();
  assert.is(box.read(STATUS), 1);
  clock.time = 9;
  assert.is(box.read(STATUS), 1);
  clock.time = 10;
  assert.is(box.read(STATUS) >>> 31, 1);
});

test("the interrupt fires once, until software clears its status", () => {
  const made = mailbox();
  made.mailbox.write(CONTROL, 2);
  put(made.mailbox, discovery);
  made.mailbox.write(CONTROL, GO + 2);
  assert.is(made.interrupts, 1);
  operate.POP(made.mailbox);
  operate.POP(made.mailbox);
  operate.POP(made.mailbox);
  operate.POP(made.mailbox);
  assert.is(made.interrupts, 1);
  made.mailbox.write(STATUS, 2);
  made.mailbox.write(CONTROL, 3);
  operate.POP(made.mailbox);
  assert.is(made.interrupts, 2);
});

test("discovery names three protocols, and an index beyond them none", () => {
  const { device } = rig(TOY, TOY);
  const ask = (index: number) =>
    hex(device.exchange(dataObject(0, Uint8Array.of(index, 0, 0, 0)))!);
  // As DMTF's requester and responder said it.
  assert.is(ask(0), "010000000300000001000001");
  assert.is(ask(1), "010000000300000001000102");
  assert.is(ask(2), "010000000300000001000200");
  assert.is(ask(3), "0100000003000000ffffff00");
  assert.is(device.exchange(dataObject(0, new Uint8Array(0))), undefined);
  assert.is(device.exchange(dataObject(9, new Uint8Array(4))), undefined);
});

test("a whole connection goes through the registers, as Linux drives them", () => {
  const { device, requester, clock } = rig({ ...TOY, latency: 20 }, TOY);
  const { functionId } = device.functions[0]!;
  const config = {
    read: (offset: number, bytes: 4) => device.rootPort.read(functionId, offset, bytes),
    write: (offset: number, value: number, bytes: 4) =>
      device.rootPort.write(functionId, offset, value, bytes),
  };
  const wait = () => {
    clock.time += 1000 / 128;
  };
  const transport = mailboxTransport(config, wait);
  assert.equal(drive(discover(), transport), [0, 1, 2]);
  const connected = drive(connectDevice(requester, STREAM), transport);
  assert.is(connected.keys.size, 6);
  assert.is(transport(dataObject(9, new Uint8Array(4))), undefined);
  assert.equal(drive(discover(), transport), [0, 1, 2]);
});
