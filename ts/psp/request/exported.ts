// A guest's context as a migration agent carries it between platforms. AMD sev-tool rmp.h; spec digest attestation.md, 1.
import * as Exported from "../../abi/exported-context.ts";
import * as IdBlock from "../../abi/id-block.ts";
import { isZero } from "../../attest/bytes.ts";
import { bitOf, isWellFormed, viewOf } from "../../layout.ts";
import { type GuestContext, GuestState } from "../guest.ts";

/** What travels: everything but the memory key, the ASID and who the agent is. */
export type Travelling = Omit<
  GuestContext,
  "asid" | "vek" | "tweakKey" | "reportIdMa" | "maContext" | "launchTcb" | "launchMitVector"
>;

const arrays = [
  ["measurement", Exported.LD, 48],
  ["oek", Exported.OEK, 32],
  ["hostData", Exported.HOST_DATA, 32],
  ["reportId", Exported.REPORT_ID, 32],
  ["imd", Exported.IMD, 48],
  ["rootMetadata", Exported.ROOT_MD_ENTRY, 64],
  ["gosvw", Exported.GOSVW, 16],
] as const;

const keys = [Exported.VMPCK0, Exported.VMPCK1, Exported.VMPCK2, Exported.VMPCK3];
const counts = [Exported.MSG_COUNT0, Exported.MSG_COUNT1, Exported.MSG_COUNT2, Exported.MSG_COUNT3];

function flagsOf({ idBlock, vcekDisable, imiEn, vmrk }: Travelling): bigint {
  const bits: [boolean, number][] = [
    [idBlock?.authorKeyEn ?? false, Exported.AUTHOR_KEY_EN_BIT],
    [idBlock !== undefined, Exported.ID_BLOCK_EN_BIT],
    [vcekDisable, Exported.VCEK_DIS_BIT],
    [imiEn, Exported.IMI_EN_BIT],
    [vmrk !== undefined, Exported.VMRK_VALID_BIT],
  ];
  return bits.reduce((flags, [on, bit]) => (on ? flags | (1n << BigInt(bit)) : flags), 0n);
}

/** The 768 bytes of a guest. */
export function exportContext(guest: Travelling): Uint8Array {
  const bytes = new Uint8Array(Exported.SIZE);
  const view = viewOf(bytes);
  for (const [name, at] of arrays) bytes.set(guest[name], at);
  keys.forEach((at, i) => {
    bytes.set(guest.vmpck[i] as Uint8Array, at);
  });
  counts.forEach((at, i) => {
    view.setBigUint64(at, guest.messageCount[i] as bigint, true);
  });
  if (guest.vmrk) bytes.set(guest.vmrk, Exported.VMRK);
  if (guest.idBlock) {
    bytes.set(guest.idBlock.block, Exported.ID_BLOCK);
    bytes.set(guest.idBlock.idKeyDigest, Exported.ID_KEY_DIGEST);
    bytes.set(guest.idBlock.authorKeyDigest, Exported.AUTHOR_KEY_DIGEST);
  }
  view.setBigUint64(Exported.FLAGS, flagsOf(guest), true);
  view.setBigUint64(Exported.POLICY, guest.policy, true);
  view.setUint8(Exported.STATE, guest.state);
  view.setBigUint64(Exported.OEK_IV_COUNT, guest.oekIv, true);
  view.setUint32(Exported.DESIRED_TSC_KHZ, guest.desiredTscKhz, true);
  return bytes;
}

function idBlockOf(bytes: Uint8Array, authorKeyEn: boolean): GuestContext["idBlock"] {
  const block = bytes.slice(Exported.ID_BLOCK, Exported.ID_BLOCK + IdBlock.SIZE);
  return {
    block,
    familyId: block.slice(IdBlock.FAMILY_ID, IdBlock.IMAGE_ID),
    imageId: block.slice(IdBlock.IMAGE_ID, IdBlock.VERSION),
    guestSvn: viewOf(block).getUint32(IdBlock.GUEST_SVN, true),
    idKeyDigest: bytes.slice(Exported.ID_KEY_DIGEST, Exported.AUTHOR_KEY_DIGEST),
    authorKeyEn,
    authorKeyDigest: bytes.slice(Exported.AUTHOR_KEY_DIGEST, Exported.REPORT_ID),
  };
}

/** The guest in 768 bytes, or undefined when reserved bits are set or it is not RUNNING. */
export function importContext(bytes: Uint8Array): Travelling | undefined {
  const view = viewOf(bytes);
  const flags = view.getBigUint64(Exported.FLAGS, true);
  const has = (bit: number) => bitOf(flags, bit);
  const state = view.getUint8(Exported.STATE);
  const idBlock = has(Exported.ID_BLOCK_EN_BIT)
    ? idBlockOf(bytes, has(Exported.AUTHOR_KEY_EN_BIT))
    : undefined;
  const unused =
    idBlock === undefined && !isZero(bytes.subarray(Exported.ID_BLOCK, Exported.GOSVW));
  if (!isWellFormed(Exported, view) || state !== GuestState.RUNNING || unused) return undefined;
  const part = (at: number, length: number) => bytes.slice(at, at + length);
  const fields = Object.fromEntries(arrays.map(([name, at, length]) => [name, part(at, length)]));
  return {
    ...(fields as Pick<Travelling, (typeof arrays)[number][0]>),
    state,
    policy: view.getBigUint64(Exported.POLICY, true),
    idBlock,
    vcekDisable: has(Exported.VCEK_DIS_BIT),
    imiEn: has(Exported.IMI_EN_BIT),
    vmrk: has(Exported.VMRK_VALID_BIT) ? part(Exported.VMRK, 32) : undefined,
    vmpck: keys.map((at) => part(at, 32)),
    messageCount: counts.map((at) => view.getBigUint64(at, true)),
    oekIv: view.getBigUint64(Exported.OEK_IV_COUNT, true),
    desiredTscKhz: view.getUint32(Exported.DESIRED_TSC_KHZ, true),
  };
}
