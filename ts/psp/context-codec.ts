// A guest context to bytes and back: the plaintext of ts/psp/context.ts.

import * as IdBlockLayout from "../abi/id-block.ts";
import * as Layout from "../abi/psp/guest-context.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { GuestContext, IdBlock } from "./guest.ts";

const KEYS = 4;
const KEY = 32;

export function encodeContext(context: GuestContext): Uint8Array {
  const bytes = new Uint8Array(Layout.SIZE);
  const view = viewOf(bytes);
  view.setUint32(Layout.STATE, context.state, true);
  view.setUint32(Layout.ASID, context.asid, true);
  view.setBigUint64(Layout.POLICY, context.policy, true);
  view.setUint32(Layout.FLAGS, flagsOf(context), true);
  view.setUint32(Layout.DESIRED_TSC_KHZ, context.desiredTscKhz, true);
  view.setBigUint64(Layout.LAUNCH_TCB, context.launchTcb, true);
  view.setBigUint64(Layout.LAUNCH_MIT_VECTOR, context.launchMitVector, true);
  view.setBigUint64(Layout.MA_CONTEXT, context.maContext ?? 0n, true);
  view.setBigUint64(Layout.OEK_IV, context.oekIv, true);
  for (const [name, at] of arrays) bytes.set(context[name], at);
  const { idBlock } = context;
  if (idBlock) {
    bytes.set(idBlock.block, Layout.ID_BLOCK);
    bytes.set(idBlock.idKeyDigest, Layout.ID_KEY_DIGEST);
    bytes.set(idBlock.authorKeyDigest, Layout.AUTHOR_KEY_DIGEST);
  }
  if (context.vmrk) bytes.set(context.vmrk, Layout.VMRK);
  for (let i = 0; i < KEYS; i++) {
    bytes.set(context.vmpck[i] as Uint8Array, Layout.VMPCK + KEY * i);
    view.setBigUint64(Layout.MESSAGE_COUNT + 8 * i, context.messageCount[i] as bigint, true);
  }
  return bytes;
}

const arrays = [
  ["reportId", Layout.REPORT_ID],
  ["reportIdMa", Layout.REPORT_ID_MA],
  ["hostData", Layout.HOST_DATA],
  ["measurement", Layout.MEASUREMENT],
  ["imd", Layout.IMD],
  ["gosvw", Layout.GOSVW],
  ["vek", Layout.VEK],
  ["tweakKey", Layout.TWEAK_KEY],
  ["oek", Layout.OEK],
  ["rootMetadata", Layout.ROOT_METADATA],
] as const;

function flagsOf(context: GuestContext): number {
  const bit = (on: boolean, position: number) => (on ? 1 << position : 0);
  return (
    bit(context.idBlock !== undefined, Layout.ID_BLOCK_EN_BIT) |
    bit(context.idBlock?.authorKeyEn ?? false, Layout.AUTHOR_KEY_EN_BIT) |
    bit(context.vcekDisable, Layout.VCEK_DIS_BIT) |
    bit(context.imiEn, Layout.IMI_EN_BIT) |
    bit(context.maContext !== undefined, Layout.MA_EN_BIT) |
    bit(context.vmrk !== undefined, Layout.VMRK_EN_BIT) |
    bit(context.vek.length === KEY, Layout.KEYS_256_BIT)
  );
}

export function decodeContext(bytes: Uint8Array): GuestContext {
  const view = viewOf(bytes);
  const flags = view.getUint32(Layout.FLAGS, true);
  const word = (at: number) => view.getBigUint64(at, true);
  const part = (at: number, length: number) => bytes.slice(at, at + length);
  const memoryKey = bitOf(flags, Layout.KEYS_256_BIT) ? KEY : KEY / 2;
  const each = <T>(one: (i: number) => T) => Array.from({ length: KEYS }, (_, i) => one(i));
  return {
    state: view.getUint32(Layout.STATE, true),
    asid: view.getUint32(Layout.ASID, true),
    policy: word(Layout.POLICY),
    reportId: part(Layout.REPORT_ID, 32),
    reportIdMa: part(Layout.REPORT_ID_MA, 32),
    measurement: part(Layout.MEASUREMENT, 48),
    imd: part(Layout.IMD, 48),
    hostData: part(Layout.HOST_DATA, 32),
    idBlock: bitOf(flags, Layout.ID_BLOCK_EN_BIT) ? idBlockOf(bytes, flags) : undefined,
    vcekDisable: bitOf(flags, Layout.VCEK_DIS_BIT),
    launchTcb: word(Layout.LAUNCH_TCB),
    launchMitVector: word(Layout.LAUNCH_MIT_VECTOR),
    gosvw: part(Layout.GOSVW, 16),
    imiEn: bitOf(flags, Layout.IMI_EN_BIT),
    desiredTscKhz: view.getUint32(Layout.DESIRED_TSC_KHZ, true),
    vek: part(Layout.VEK, memoryKey),
    tweakKey: part(Layout.TWEAK_KEY, memoryKey),
    oek: part(Layout.OEK, KEY),
    oekIv: word(Layout.OEK_IV),
    vmpck: each((i) => part(Layout.VMPCK + KEY * i, KEY)),
    messageCount: each((i) => word(Layout.MESSAGE_COUNT + 8 * i)),
    vmrk: bitOf(flags, Layout.VMRK_EN_BIT) ? part(Layout.VMRK, KEY) : undefined,
    maContext: bitOf(flags, Layout.MA_EN_BIT) ? word(Layout.MA_CONTEXT) : undefined,
    rootMetadata: part(Layout.ROOT_METADATA, 64),
  };
}

function idBlockOf(bytes: Uint8Array, flags: number): IdBlock {
  const at = (offset: number, length: number) => bytes.slice(offset, offset + length);
  const block = at(Layout.ID_BLOCK, IdBlockLayout.SIZE);
  return {
    block,
    familyId: block.slice(IdBlockLayout.FAMILY_ID, IdBlockLayout.FAMILY_ID + 16),
    imageId: block.slice(IdBlockLayout.IMAGE_ID, IdBlockLayout.IMAGE_ID + 16),
    guestSvn: viewOf(block).getUint32(IdBlockLayout.GUEST_SVN, true),
    idKeyDigest: at(Layout.ID_KEY_DIGEST, 48),
    authorKeyEn: bitOf(flags, Layout.AUTHOR_KEY_EN_BIT),
    authorKeyDigest: at(Layout.AUTHOR_KEY_DIGEST, 48),
  };
}
