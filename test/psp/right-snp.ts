// Right values of the SNP commands, for the fuzzer.
import { seal } from "../../dist/guest-message.js";
import { makePreGuest } from "../../dist/hypervisor/page-state.js";
import { makeImage, wrapVlek } from "../../dist/index.js";
import type { GuestContext } from "../../dist/psp/guest.js";
import * as Message from "../../ts/abi/message.ts";
import * as SwapType from "../../ts/abi/psp/swap-type.ts";
import { MIB } from "../core.ts";
import { type Notes, type Rights, type Sight, type Values, whole } from "./right.ts";

const PAGE = 0x1000n;
const LARGE = BigInt(2 * MIB);
/** Of the ABI, without and with debugging, migration and an older version; then the guide's. */
export const policies = [0x30000n, 0xb0000n, 0x70000n, 0x30001n, 0x2030000n, 0x10005n];

interface Known {
  gctx: bigint;
  guest: GuestContext;
}

/** A guest in one of some states, active or not. */
function guestIn(see: Sight, states: readonly number[], active?: boolean): Known | undefined {
  const fits = [...see.twin.contexts].filter(([, state]) => states.includes(state));
  const known = fits.flatMap(([gctx]) => {
    const guest = see.rig.psp.contexts.open(gctx);
    if (typeof guest === "number") return [];
    return active === undefined || (guest.asid !== 0) === active ? [{ gctx, guest }] : [];
  });
  return known.length > 0 ? see.chance.pick(known) : undefined;
}

const [INIT, LAUNCH, RUNNING] = [0, 1, 2];
const living = [LAUNCH, RUNNING];

/** Values for one guest, by its context page. */
const upon =
  (
    states: readonly number[],
    active: boolean | undefined,
    make: (see: Sight, one: Known) => object,
  ) =>
  (see: Sight): Values | undefined => {
    const one = guestIn(see, states, active);
    return one && whole({ GCTX_PADDR: one.gctx, ...make(see, one) });
  };

/** A page that was swapped out: where its ciphertext and its entry are. */
interface Away {
  gctx: bigint;
  sealed: bigint;
  gpa: bigint;
  MDATA_PADDR: bigint;
  FLAGS: bigint;
}

const away = (see: Sight) => see.keep<Away[]>("away", () => []);
const metadataFlag = (root: boolean) => BigInt((SwapType.METADATA << 1) | (Number(root) << 4));

function swapOut(see: Sight, { guest }: Known): object {
  const DST_PADDR = see.firmware();
  const MDATA_PADDR = see.find("metadata");
  if (see.chance.once(8)) {
    const FLAGS = metadataFlag(true);
    return { SRC_PADDR: MDATA_PADDR, DST_PADDR, MDATA_PADDR: 0n, FLAGS };
  }
  const slot = MDATA_PADDR && MDATA_PADDR + 64n * BigInt(see.chance.below(64));
  const SRC_PADDR = see.leaving(guest.asid);
  const isVmsa = SRC_PADDR !== undefined && see.page(SRC_PADDR).vmsa;
  const FLAGS = BigInt((isVmsa ? SwapType.VMSA : SwapType.DATA) << 1);
  return { SRC_PADDR, DST_PADDR, MDATA_PADDR: slot, FLAGS };
}

function swapIn(see: Sight, { gctx, guest }: Known): object {
  const mine = away(see).filter((one) => one.gctx === gctx);
  if (mine.length === 0) return { SRC_PADDR: undefined };
  const { sealed, gpa, MDATA_PADDR, FLAGS } = see.chance.pick(mine);
  const isMetadata = ((FLAGS >> 1n) & 3n) === BigInt(SwapType.METADATA);
  const DST_PADDR = isMetadata ? see.firmware(sealed) : see.offer(guest.asid, gpa);
  return { SRC_PADDR: sealed, DST_PADDR, MDATA_PADDR, FLAGS };
}

const ranges = (spa: bigint) => {
  const list = new Uint8Array(24);
  new DataView(list.buffer).setUint32(0, 1, true);
  new DataView(list.buffer).setBigUint64(8, spa, true);
  new DataView(list.buffer).setUint32(16, 1, true);
  return list;
};

/** An image of the version that is committed, or of the next. */
function download(see: Sight): { paddr: bigint | undefined; length: number } {
  const { product, committed } = see.rig.psp.platform;
  const { major, minor, build } = committed.version;
  const next = { major, minor, build: Math.min(build + see.chance.below(2), 255) };
  const bytes = see.keep(`image ${JSON.stringify(next)}`, () =>
    makeImage({ product, version: next, svn: 0xff }),
  );
  return { paddr: see.bytes(bytes), length: bytes.length };
}

export const right: Rights = {
  SNP_INIT_EX: () => ({ FLAGS: 1 }),
  SNP_GCTX_CREATE: (see) => whole({ GCTX_PADDR: see.firmware() }),
  SNP_LAUNCH_START: upon([INIT], undefined, (see) => {
    const agent = see.chance.once(6) ? guestIn(see, [RUNNING]) : undefined;
    if (!agent) return { POLICY: see.chance.pick(policies) };
    return { POLICY: 0x70000n, MA_GCTX_PADDR: agent.gctx, FLAGS: 1 };
  }),
  SNP_ACTIVATE: upon(living, false, (see) => ({ ASID: 1 + see.chance.below(4) })),
  SNP_ACTIVATE_EX: upon(living, false, (see) => ({
    ASID: 1 + see.chance.below(4),
    NUMIDS: 1,
    IDS_PADDR: see.bytes(new Uint8Array(4)),
  })),
  SNP_DEACTIVATE: upon(living, true, () => ({})),
  SNP_LAUNCH_UPDATE: upon([LAUNCH], true, (see, { guest }) => ({
    PAGE_PADDR: see.offer(guest.asid),
    FLAGS: (1 + see.chance.below(6)) << 1,
  })),
  SNP_LAUNCH_FINISH: upon([LAUNCH], undefined, () => ({})),
  SNP_GUEST_STATUS: upon([INIT, LAUNCH, RUNNING], undefined, (see) => ({
    STATUS_PADDR: see.firmware(),
  })),
  SNP_GUEST_REQUEST: upon([RUNNING], undefined, (see, { guest }) => {
    const seqno = (guest.messageCount[0] as bigint) + 1n;
    const head = { type: Message.TSC_INFO_REQ, version: 1, vmpck: 0, seqno };
    const message = seal(guest.vmpck[0]!, head, new Uint8Array(128));
    return { REQUEST_PADDR: see.bytes(message), RESPONSE_PADDR: see.firmware() };
  }),
  SNP_DBG_DECRYPT: upon(living, true, (see, { guest }) => ({
    SRC_PADDR: see.find(see.chance.pick(["guest-valid", "pre-swap"]), guest.asid),
    DST_PADDR: see.firmware(),
  })),
  SNP_DBG_ENCRYPT: upon(living, true, (see, { guest }) => ({
    SRC_PADDR: see.find("hypervisor"),
    DST_PADDR: see.find(see.chance.pick(["pre-guest", "pre-swap"]), guest.asid),
  })),
  SNP_PAGE_MD_INIT: upon(living, undefined, (see) => ({ PAGE_PADDR: see.firmware() })),
  SNP_PAGE_SWAP_OUT: upon(living, true, swapOut),
  SNP_PAGE_SWAP_IN: upon(living, true, swapIn),
  SNP_PAGE_MOVE: upon(living, true, (see, { guest }) => {
    const SRC_PADDR = see.leaving(guest.asid);
    if (SRC_PADDR === undefined) return { SRC_PADDR };
    const { gpa } = see.page(SRC_PADDR);
    return { SRC_PADDR, DST_PADDR: see.offer(guest.asid, gpa) };
  }),
  SNP_PAGE_RECLAIM: (see) => {
    const states = ["firmware", "metadata", "pre-guest", "pre-swap"];
    const there = see.pages.filter((spa) => states.includes(see.page(spa).state));
    return there.length > 0 ? { PAGE_PADDR: see.chance.pick(there) } : undefined;
  },
  SNP_PAGE_UNSMASH: (see) => {
    if (see.page(see.large).state !== "hypervisor") return undefined;
    for (let at = 0n; at < LARGE; at += PAGE)
      makePreGuest(see.rig.host, see.large + at, LARGE + at, 1, false);
    return { PAGE_PADDR: see.large | 1n };
  },
  SNP_PAGE_SET_STATE: (see) => {
    const spa = see.firmware();
    return spa === undefined ? undefined : whole({ LIST_PADDR: see.bytes(ranges(spa)) });
  },
  SNP_PLATFORM_STATUS: (see) => whole({ STATUS_PADDR: see.target() }),
  SNP_FEATURE_INFO: (see) => whole({ FEATURE_INFO_PADDR: see.target() }),
  SNP_VERIFY_MITIGATION: () => ({}),
  SNP_CONFIG: (see) => ({ FLAGS: see.chance.below(4) }),
  SNP_DOWNLOAD_FIRMWARE_EX: (see) => {
    const { paddr, length } = download(see);
    return whole({ FW_PADDR: paddr, FW_LEN: length, FLAGS: see.chance.below(2) });
  },
  DOWNLOAD_FIRMWARE: (see) => {
    const { paddr, length } = download(see);
    return whole({ FW_PADDR: paddr, FW_LENGTH: length });
  },
  SNP_VLEK_LOAD: (see) => {
    const { seed, product, tcb } = see.rig.psp.platform;
    const stick = see.keep(`stick ${tcb.reported}`, () =>
      wrapVlek(seed, product, { seed: "csp", cspId: "CN=csp", tcb: tcb.reported }),
    );
    return whole({ VLEK_WRAPPED_PADDR: see.bytes(stick) });
  },
  SNP_DECOMMISSION: upon([INIT, LAUNCH, RUNNING], undefined, () => ({})),
};

export const notes: Notes = {
  SNP_PAGE_SWAP_OUT(see, values) {
    const [sealed, from] = [values["DST_PADDR"] as bigint, values["SRC_PADDR"] as bigint];
    const { gpa } = see.page(from);
    const [MDATA_PADDR, FLAGS] = [
      values["MDATA_PADDR"] as bigint,
      BigInt(values["FLAGS"] as bigint),
    ];
    away(see).push({ gctx: values["GCTX_PADDR"] as bigint, sealed, gpa, MDATA_PADDR, FLAGS });
  },
  SNP_PAGE_SWAP_IN(see, values) {
    const all = away(see);
    const at = all.findIndex(({ sealed }) => sealed === values["SRC_PADDR"]);
    if (at >= 0) all.splice(at, 1);
  },
};
