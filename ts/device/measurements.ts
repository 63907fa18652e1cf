// The device's measurements, as blocks a verifier can check. DSP0274 10.11.1.

import * as Spdm from "../abi/spdm.ts";
import * as Block from "../abi/spdm-measurement-block.ts";
import { BadInput } from "../error.ts";
import type { Hash } from "../spdm/crypto.ts";
import { join, putU16 } from "../spdm/octets.ts";

export interface Measurement {
  index: number;
  valueType: number;
  /** What is measured; its digest is what a verifier asks for, unless `raw`. */
  value: Uint8Array;
  /** Told as it is even when a digest was asked for: an SVN, a manifest. */
  raw: boolean;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** What the device measures when it is not told otherwise. */
export function defaultMeasurements(): Measurement[] {
  const hashed = [
    [1, Block.IMMUTABLE_ROM, "Cloister emulated device: boot ROM"],
    [2, Block.MUTABLE_FIRMWARE, "Cloister emulated device: firmware"],
    [3, Block.HARDWARE_CONFIGURATION, "Cloister emulated device: hardware configuration"],
    [4, Block.FIRMWARE_CONFIGURATION, "Cloister emulated device: firmware configuration"],
  ] as const;
  const svn = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
  return [
    ...hashed.map(([index, valueType, words]) => ({
      index,
      valueType,
      value: text(words),
      raw: false,
    })),
    { index: 0x10, valueType: Block.FIRMWARE_SVN, value: svn, raw: true },
    {
      index: Block.MANIFEST_INDEX,
      valueType: Block.FREEFORM_MANIFEST,
      value: text("emulated by Cloister; no silicon stands behind these values"),
      raw: true,
    },
  ];
}

/** Refuses measurements no responder could answer with, by name. */
export function checkMeasurements(list: Measurement[]): Measurement[] {
  const sorted = [...list].sort((a, b) => a.index - b.index);
  for (const [i, { index, valueType, value }] of sorted.entries()) {
    const where = `measurement ${index}`;
    if (!Number.isInteger(index) || index < 1 || index > 0xfe) {
      throw new BadInput(`${where}: index, expected 1 to 254`);
    }
    if (sorted[i - 1]?.index === index) throw new BadInput(`${where}: given twice`);
    if (!Number.isInteger(valueType) || valueType < 0 || valueType > 0x7f) {
      throw new BadInput(`${where}: value type ${valueType}, expected 0 to 127`);
    }
    if (value.length === 0 || value.length > 0x1000) {
      throw new BadInput(`${where}: ${value.length} bytes, expected 1 to 4096`);
    }
  }
  return sorted;
}

/** One block, raw or as the digest `hash` gives. */
export function block(each: Measurement, hash: Hash, rawAsked: boolean): Uint8Array {
  const raw = each.raw || rawAsked;
  const value = raw ? each.value : hash.digest(each.value);
  const head = new Uint8Array(Block.SIZE);
  head[Block.INDEX] = each.index;
  head[Block.MEASUREMENT_SPECIFICATION] = 1 << Spdm.MEASUREMENT_SPEC_DMTF_BIT;
  putU16(head, Block.MEASUREMENT_SIZE, Block.SIZE - Block.HEADER_BYTES + value.length);
  head[Block.VALUE_TYPE] = each.valueType | (raw ? 1 << Block.RAW_BIT : 0);
  putU16(head, Block.VALUE_SIZE, value.length);
  return join(head, value);
}

/** The summary hash KEY_EXCHANGE and CHALLENGE ask for; empty for none. The TCB is the immutable ROM. */
export function summary(list: Measurement[], hash: Hash, measured: Hash, type: number): Uint8Array {
  if (type === Spdm.SUMMARY_NONE) return new Uint8Array(0);
  const inTcb = (each: Measurement) => each.valueType === Block.IMMUTABLE_ROM;
  const chosen = type === Spdm.SUMMARY_ALL ? list : list.filter(inTcb);
  return hash.digest(join(...chosen.map((each) => block(each, measured, false))));
}
