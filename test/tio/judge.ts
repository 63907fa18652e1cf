// What the fuzz of SEV-TIO's firmware chooses from, and what of a command's outcome the twin's tables allow.
import type { Layout } from "../../dist/layout.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import * as Status from "../../ts/abi/status.ts";
import { deviceLegal, tdiLegal, type Verdict } from "../oracle/tio.ts";
import { statusName } from "../psp/rig.ts";

export type Name = Extract<keyof typeof Command, `TIO_${string}`>;
/** An address without its C-bit, which is bit 51 on Turin. */
const PAGE_BITS = (1n << 51n) - 0x1000n;
export const CREATED = 0;
export const CONNECTED = 1;
export const BROKEN = 2;

/** Elliptic curves cost: these are rare. */
export const dear = new Map<Name, number>([
  ["TIO_DEV_CONNECT", 40],
  ["TIO_DEV_MEASUREMENTS", 200],
  ["TIO_DEV_DISCONNECT", 400],
  ["TIO_DEV_RECLAIM", 40],
  ["TIO_INIT", 20],
]);
export const OPENING: Name[] = [
  "TIO_DEV_CREATE",
  "TIO_DEV_CONNECT",
  "TIO_DEV_CONNECT",
  "TIO_DEV_DISCONNECT",
];
export const LOCKING: Name[] = ["TIO_TDI_CREATE", "TIO_TDI_BIND", "TIO_TDI_BIND"];
/** Types and sizes of requests; the last has no such type. */
export const MESSAGES: [number, number][] = [
  [19, 16],
  [21, 48],
  [23, 16],
  [25, 80],
  [25, 80],
  [5, 96],
];

/** Everything that a command could have changed, as the firmware has it. */
export interface States {
  devices: Map<bigint, { state: number; pending: boolean }>;
  tdis: Map<bigint, { state: number; device: bigint }>;
}

interface Moved {
  before: States;
  after: States;
  dev: bigint;
  page: bigint;
  run: boolean;
  force: boolean;
}

const BREAKING = new Set([Status.SPDM_ERROR, Status.INVALID_TDI]);
const goesOn = (name: Name) => "REQ_SLA" in (commands.get(Command[name])!.layout as Layout);

/** Whether a status and what came of it can be, by the twin's tables. */
export function judge(
  name: Name,
  buffer: Uint8Array,
  status: number,
  before: States,
  after: States,
): void {
  const fail = (why: string) => {
    throw new Error(`${name}: ${statusName(status)}, ${why}`);
  };
  const layout = commands.get(Command[name])!.layout as Layout;
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  const at = (field: string) =>
    field in layout ? view.getBigUint64(layout[field] as number, true) & PAGE_BITS : 0n;
  const [dev, page] = [at("DEV_CTX_SLA"), at("TDI_CTX_SLA")];
  const device = before.devices.get(dev);
  const force =
    "FORCE_BIT" in layout && (view.getUint32(layout["FLAGS"] as number, true) & 1) === 1;
  const mayBe = (verdict: Verdict | undefined) =>
    verdict === "ok" || (verdict === "force" && force);
  const row = deviceLegal.get(Command[name]);
  const done = status === Status.SUCCESS;
  if (done && row && !device) fail("there is no such device");
  if ((done || status === Status.SPDM_REQUEST) && row && device) {
    const legal = mayBe(row[device.state]) && (!device.pending || mayBe(row[3]) || goesOn(name));
    if (!legal) fail(`in state ${device.state}, pending ${device.pending}`);
    const run =
      name === "TIO_TDI_BIND" && (view.getUint16(layout["RUN"] as number, true) & 1) === 1;
    const tdiRow = tdiLegal.get(run ? 0x1_00dc : Command[name]);
    const tdi = before.tdis.get(page);
    if (tdiRow && !tdi) fail("there is no such interface");
    if (tdiRow && tdi && !mayBe(tdiRow[tdi.state])) fail(`interface in state ${tdi.state}`);
    if (done) moved(name, { before, after, dev, page, run, force }, fail);
  }
  if (done) return;
  for (const [each, { state }] of before.devices) {
    const now = after.devices.get(each)?.state;
    const broke = state === CONNECTED && now === BROKEN && BREAKING.has(status as never);
    if (now !== state && !broke) fail(`device ${state} became ${now}`);
  }
  if (after.devices.size !== before.devices.size) fail("a device came or went");
  for (const [each, { state }] of before.tdis)
    if (after.tdis.get(each)?.state !== state) fail(`interface ${state} became another`);
  if (after.tdis.size !== before.tdis.size) fail("an interface came or went");
}

/** Where SUCCESS leads. */
function moved(
  name: Name,
  { before, after, dev, page, run, force }: Moved,
  fail: (why: string) => void,
): void {
  const device = after.devices.get(dev)?.state;
  const tdi = after.tdis.get(page)?.state;
  const is = (seen: unknown, expected: unknown) => {
    if (seen !== expected) fail(`led to ${seen}, expected ${expected}`);
  };
  if (name === "TIO_DEV_CONNECT") is(device, CONNECTED);
  else if (name === "TIO_DEV_RECLAIM") is(device, undefined);
  else if (name === "TIO_DEV_DISCONNECT") is(device, CREATED);
  else is(device, before.devices.get(dev)?.state);
  if (name === "TIO_DEV_DISCONNECT" && force)
    for (const each of after.tdis.values()) if (each.device === dev) is(each.state, 0);
  if (name === "TIO_TDI_CREATE") is(tdi, 0);
  else if (name === "TIO_TDI_RECLAIM") is(tdi, undefined);
  else if (name === "TIO_TDI_BIND") is(tdi, run ? 2 : 1);
  else if (name === "TIO_TDI_UNBIND") is(tdi, 0);
  else if (page !== 0n) is(tdi, before.tdis.get(page)?.state);
}
