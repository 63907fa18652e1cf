// MSG_SDTE_WRITE_REQ: a guest says as which VMPL, and from where on not at all, a device reaches its private memory. ASID,
// stream and root port are the firmware's to say. AMD 58271, a draft; spec digest sev-tio.md 5.
import * as Request from "../../abi/message-sdte-write-req.ts";
import * as Response from "../../abi/message-sdte-write-rsp.ts";
import * as Sdte from "../../abi/sdte.ts";
import * as Told from "../../abi/tio-message.ts";
import { bitOf, isWellFormed } from "../../layout.ts";
import type { SecureEntry } from "../../tio-port.ts";
import type { TdiCall } from "../tio/command.ts";
import { ridOf } from "../tio/tdi.ts";
import { boundTo, echo, type TioAsked, type TioMessageEntry } from "./tio-entry.ts";

export const sdteWrite: TioMessageEntry = {
  versions: 1,
  fits: (bytes) => bytes === Request.SIZE,
  run(asked) {
    const { call } = asked;
    const bound = isWellFormed(Request, asked.view) ? boundTo(asked) : "invalid";
    const status = statusOf(asked, bound);
    const payload = echo(asked, Response.SIZE, status);
    if (status !== Told.SDTE_SUCCESS) return { payload };
    const entry = entryOf(asked);
    return { payload, apply: () => write(call, entry) };
  },
};

const bit = (position: number) => 1n << BigInt(position);
const mask = (lsb: number, width: number) => ((1n << BigInt(width)) - 1n) << BigInt(lsb);

/** What a guest may set, by quadword. Its own IOMMU tables (GIoV, GV, GLX, GCR3) are not modelled: LIMITATIONS.md. */
const FREE = [
  bit(Sdte.V_BIT) | bit(Sdte.IR_BIT) | bit(Sdte.IW_BIT),
  0n,
  0n,
  mask(Sdte.VMPL_LSB, Sdte.VMPL_WIDTH),
  0n,
  bit(Sdte.VTOM_EN_BIT) | mask(Sdte.VTOM_LSB, Sdte.VTOM_WIDTH),
  0n,
  0n,
];

const word = ({ view }: TioAsked, i: number) => view.getBigUint64(Request.SDTE + 8 * i, true);
const vmplOf = (asked: TioAsked) =>
  Number((word(asked, 3) >> BigInt(Sdte.VMPL_LSB)) & mask(0, Sdte.VMPL_WIDTH));

function statusOf(asked: TioAsked, bound: ReturnType<typeof boundTo>): number {
  if (bound === "invalid") return Told.SDTE_INVALID_TDI;
  if (bound === "unbound") return Told.SDTE_UNBOUND;
  const isFree = FREE.every((free, i) => (word(asked, i) & ~free) === 0n);
  // A device may not reach what the level that asks for it cannot.
  return isFree && vmplOf(asked) >= asked.vmpl ? Told.SDTE_SUCCESS : Told.SDTE_RESERVED;
}

/** The entry that becomes valid; undefined: none is from now on. */
function entryOf(asked: TioAsked): SecureEntry | undefined {
  const { call, asid } = asked;
  const first = word(asked, 0);
  if (!bitOf(first, Sdte.V_BIT)) return undefined;
  const fifth = word(asked, 5);
  const vTom = (fifth & mask(Sdte.VTOM_LSB, Sdte.VTOM_WIDTH)) >> BigInt(Sdte.VTOM_LSB);
  return {
    read: bitOf(first, Sdte.IR_BIT),
    write: bitOf(first, Sdte.IW_BIT),
    asid,
    vmpl: vmplOf(asked),
    vTom: bitOf(fifth, Sdte.VTOM_EN_BIT) ? vTom << BigInt(Sdte.VTOM_ADDRESS_LSB) : undefined,
    streamIds: call.device.streamIds.slice(),
    rootPortId: call.device.rootPortId,
  };
}

function write({ tio, page, tdi }: TdiCall, entry: SecureEntry | undefined): void {
  if (entry) tio.board?.sdteWrite(ridOf(tdi), entry);
  else tio.board?.sdteClear(ridOf(tdi));
  tio.saveTdi(page, { ...tdi, sdte: entry !== undefined });
}
