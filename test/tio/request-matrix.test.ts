// SEV-TIO's guest messages: each in every state of its interface, and each status that its payload can bring; a refusal changes nothing.
import { bufferOf, type Layout } from "../../dist/layout.js";
import * as Message from "../../ts/abi/message.ts";
import * as ConfigRequest from "../../ts/abi/message-mmio-config-req.ts";
import * as ValidateRequest from "../../ts/abi/message-mmio-validate-req.ts";
import * as SdteRequest from "../../ts/abi/message-sdte-write-req.ts";
import * as InfoRequest from "../../ts/abi/message-tdi-info-req.ts";
import * as GctxLayout from "../../ts/abi/psp/gctx.ts";
import * as Status from "../../ts/abi/status.ts";
import { assert, suite } from "../kit.ts";
import { statusName } from "../psp/rig.ts";
import { GUEST_DEVICE_ID, PF0, type Tdi, TioRig } from "./rig.ts";

const test = suite("guest messages of SEV-TIO");

type Values = Parameters<typeof bufferOf>[1];
const GPA = 0x4000_0000n;
const PAGE = 0x1000n;

/** SDTE: V, IR and IW; VMPL from bit 241 on; vTOM from bit 320 on. */
function sdte(change: (bits: (at: number, value: bigint) => void) => void = () => {}): Uint8Array {
  let word = 0n;
  const set = (at: number, value: bigint) => (word |= value << BigInt(at));
  for (const at of [0, 61, 62]) set(at, 1n);
  change(set);
  return Uint8Array.from({ length: 64 }, (_, i) => Number((word >> BigInt(8 * i)) & 0xffn));
}

// Each message with a payload that is in order, and its statuses where the interface is unbound, bound, and another's.
const messages: [string, number, Layout, Values, { unbound: number; invalid: number }][] = [
  ["TDI_INFO", Message.TDI_INFO_REQ, InfoRequest, {}, { unbound: 2, invalid: 1 }],
  [
    "MMIO_VALIDATE",
    Message.MMIO_VALIDATE_REQ,
    ValidateRequest,
    { SUBRANGE_BASE: GPA, SUBRANGE_PAGE_COUNT: 1, VALIDATE_FLAGS: 1 },
    { unbound: 2, invalid: 1 },
  ],
  ["MMIO_CONFIG", Message.MMIO_CONFIG_REQ, ConfigRequest, {}, { unbound: 2, invalid: 1 }],
  ["SDTE_WRITE", Message.SDTE_WRITE_REQ, SdteRequest, { SDTE: sdte() }, { unbound: 2, invalid: 1 }],
];

/** The status within an answer. */
function told(answer: Uint8Array | number): number {
  assert.is(typeof answer, "object", `the command's status ${answer}`);
  return new DataView((answer as Uint8Array).buffer).getUint16(2, true);
}

const ask = (
  rig: TioRig,
  tdi: Tdi,
  [, type, layout, values]: (typeof messages)[number],
  id = GUEST_DEVICE_ID,
) => rig.tell(tdi, type, bufferOf(layout, { GUEST_DEVICE_ID: id, ...values }));

/** Gives the first page of the interface's BAR to its guest, as its host does before it validates. */
function assign(rig: TioRig, asid: number, change: Values = {}): bigint {
  const spa = rig.device.functions[0]!.barAddress(0)!;
  const state = { gpa: GPA, assigned: true, pageSize: "4k", immutable: false, asid } as const;
  assert.is(rig.host.rmpupdate(spa, { ...state, ...change }), 0);
  return spa;
}

test("every message tells an interface that is not bound, or bound to another, or called by another name", () => {
  for (const state of [0, 1, 2]) {
    const rig = new TioRig();
    const tdi = rig.tdiIn(state);
    const stranger = rig.running(7);
    if (state > 0) assign(rig, tdi.asid);
    for (const message of messages) {
      const [name, type, layout, values, { unbound, invalid }] = message;
      const expected = state === 0 ? unbound : 0;
      assert.is(told(ask(rig, tdi, message)), expected, `${name} in ${state}`);
      if (state === 0) continue;
      assert.is(told(ask(rig, tdi, message, 0x99)), invalid, `${name} by another name`);
      const payload = bufferOf(layout, { GUEST_DEVICE_ID, ...values });
      const other = rig.tell(tdi, type, payload, { gctx: stranger });
      assert.is(told(other), invalid, `${name} of another guest`);
    }
  }
});

test("messages of SNP_GUEST_REQUEST and of TIO_GUEST_REQUEST are not each other's", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(1);
  for (const type of [Message.CPUID_REQ, Message.REPORT_REQ, Message.TSC_INFO_REQ, 27, 0x81])
    assert.is(statusName(rig.tell(tdi, type, new Uint8Array(96)) as number), "INVALID_PARAM");
});

test("a message that is altered, replayed, too long or of another version changes no count", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(1);
  const payload = bufferOf(InfoRequest, { GUEST_DEVICE_ID });
  const type = Message.TDI_INFO_REQ;
  const counts = () => (rig.psp.contexts.open(tdi.gctx) as { messageCount: bigint[] }).messageCount;
  const before = counts();
  const wrong: [string, Parameters<TioRig["tell"]>[3], Uint8Array?][] = [
    ["BAD_MEASUREMENT", { alter: flip }],
    ["INVALID_PARAM", { seqno: 9n }],
    ["INVALID_PARAM", { version: 2 }],
    ["INVALID_PARAM", {}, new Uint8Array(17)],
  ];
  for (const [status, said, other] of wrong) {
    assert.is(statusName(rig.tell(tdi, type, other ?? payload, said) as number), status);
    assert.equal(counts(), before);
  }
  assert.is(told(rig.tell(tdi, type, payload)), 0);
  assert.equal(counts()[0], before[0]! + 2n);
});

function flip(message: Uint8Array): void {
  message[0x60]! ^= 1;
}

const validate = (rig: TioRig, tdi: Tdi, values: Values) =>
  told(
    rig.tell(
      tdi,
      Message.MMIO_VALIDATE_REQ,
      bufferOf(ValidateRequest, {
        GUEST_DEVICE_ID,
        SUBRANGE_BASE: GPA,
        SUBRANGE_PAGE_COUNT: 1,
        VALIDATE_FLAGS: 1,
        ...values,
      }),
    ),
  );

const isValidated = (rig: TioRig, spa: bigint) => ((rig.rmp(spa).low >> 62n) & 1n) === 1n;

test("MMIO_VALIDATE takes reported pages that the host gave to the guest where the guest wants them, and no others", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const spa = assign(rig, tdi.asid);
  const wrong: [number, Values][] = [
    [1, { VALIDATE_FLAGS: 4 }],
    [1, { RESERVED_02: Uint8Array.of(1) }],
    [8, { RANGE_ID: 3 }],
    [9, { SUBRANGE_PAGE_COUNT: 0 }],
    [9, { RANGE_OFFSET: 4 }],
    [3, { SUBRANGE_PAGE_COUNT: 2 }],
    [9, { SUBRANGE_PAGE_COUNT: 0xffffffff, RANGE_OFFSET: 0xffffffff }],
    [7, { SUBRANGE_BASE: GPA + PAGE }],
    [7, { SUBRANGE_BASE: GPA + 1n }],
    [3, { RANGE_OFFSET: 1, SUBRANGE_BASE: GPA + PAGE }],
  ];
  for (const [status, values] of wrong) {
    assert.is(validate(rig, tdi, values), status, JSON.stringify(Object.keys(values)));
    assert.not(isValidated(rig, spa));
  }
  assert.is(validate(rig, tdi, {}), 0);
  assert.ok(isValidated(rig, spa));
  assert.is(validate(rig, tdi, { VALIDATE_FLAGS: 0 }), 0);
  assert.not(isValidated(rig, spa));
});

test("pages that are validated in part are refused unless it is forced; outside of the MMIO window is no I/O", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const spa = assign(rig, tdi.asid);
  assert.is(validate(rig, tdi, {}), 0);
  const next = { gpa: GPA + PAGE, assigned: true, pageSize: "4k", immutable: false } as const;
  assert.is(rig.host.rmpupdate(spa + PAGE, { ...next, asid: tdi.asid }), 0);
  assert.is(validate(rig, tdi, { SUBRANGE_PAGE_COUNT: 2 }), 5);
  assert.is(validate(rig, tdi, { SUBRANGE_PAGE_COUNT: 2, VALIDATE_FLAGS: 3 }), 0);
  assert.ok(isValidated(rig, spa + PAGE));
  rig.board.window = [0n, 0n];
  assert.is(validate(rig, tdi, { SUBRANGE_PAGE_COUNT: 2 }), 4);
});

test("what a guest validated is invalid again when its interface is unbound, or its device cut off", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const spa = assign(rig, tdi.asid);
  assert.is(validate(rig, tdi, {}), 0);
  const sdteWrite = bufferOf(SdteRequest, { GUEST_DEVICE_ID, SDTE: sdte() });
  assert.is(told(rig.tell(tdi, Message.SDTE_WRITE_REQ, sdteWrite)), 0);
  assert.ok(rig.board.entries.has(PF0));
  assert.is(statusName(tdi.device.disconnect()), "SUCCESS", "IN_USE, then forced");
  assert.not(isValidated(rig, spa));
  assert.not(rig.board.entries.has(PF0));
  assert.is(rig.board.keys.size, 0);
});

test("SDTE_WRITE sets what a guest may, and answers 3 for every other bit and for a level above its own", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const write = (SDTE: Uint8Array, vmpck: 0 | 1 | 2 | 3 = 0) =>
    told(
      rig.tell(tdi, Message.SDTE_WRITE_REQ, bufferOf(SdteRequest, { GUEST_DEVICE_ID, SDTE }), {
        vmpck,
      }),
    );
  const free = new Set([0, 61, 62, 241, 242, 320]);
  for (let at = 321; at < 352; at++) free.add(at);
  for (let at = 0; at < 512; at += 5) {
    const bit = at === 60 ? 241 : at;
    assert.is(write(sdte((set) => set(bit, 1n))), free.has(bit) ? 0 : 3, `bit ${bit}`);
  }
  assert.is(write(sdte(), 2), 3, "VMPL0 asked for by VMPL2");
  const entry = sdte((set) => {
    set(241, 2n);
    set(320, 1n);
    set(321, 0x40n);
  });
  assert.is(write(entry, 2), 0);
  assert.equal(rig.board.entries.get(PF0), {
    read: true,
    write: true,
    asid: tdi.asid,
    vmpl: 2,
    vTom: 0x40n << 21n,
    streamIds: Uint8Array.of(0, 255, 255, 255, 255, 255, 255, 255),
    rootPortId: 3,
  });
  assert.is(write(new Uint8Array(64)), 0);
  assert.not(rig.board.entries.has(PF0));
});

test("MMIO_CONFIG reads a range's attributes, and makes one shared where the device allows it", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const config = (values: Values) => {
    const payload = bufferOf(ConfigRequest, { GUEST_DEVICE_ID, ...values });
    const answer = rig.tell(tdi, Message.MMIO_CONFIG_REQ, payload) as Uint8Array;
    return [told(answer), new DataView(answer.buffer).getUint16(4, true)];
  };
  assert.equal(config({}), [0, 8], "updatable");
  assert.equal(config({ RANGE_ID: 9 }), [3, 0]);
  assert.equal(config({ WRITE: 1, CONFIG_FLAGS: 1 }), [1, 0], "no attribute of the guest's");
  assert.equal(config({ WRITE: 1, CONFIG_FLAGS: 4 }), [0, 12]);
  assign(rig, tdi.asid);
  assert.is(validate(rig, tdi, {}), 8, "it is not the guest's alone any more");
  assert.equal(config({ WRITE: 1, CONFIG_FLAGS: 0 }), [0, 8]);
  assert.is(validate(rig, tdi, {}), 0);
});

test("MMIO_CONFIG of an interface that is only locked changes nothing", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(1);
  const values = { GUEST_DEVICE_ID, WRITE: 1, CONFIG_FLAGS: 4 };
  const answer = rig.tell(tdi, Message.MMIO_CONFIG_REQ, bufferOf(ConfigRequest, values));
  assert.is(told(answer), 4);
});

test("a guest that has an interface is not forgotten before it is given back", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(1);
  const gctx = { GCTX_PADDR: tdi.gctx };
  rig.expect(Status.IN_USE, "SNP_DECOMMISSION", GctxLayout, gctx);
  assert.is(statusName(rig.unbind(tdi)), "SUCCESS");
  rig.expect(Status.SUCCESS, "SNP_DECOMMISSION", GctxLayout, gctx);
});
