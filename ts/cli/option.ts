// Option values that several verbs read. Each refuses by Misuse: name, what was seen, what was expected.
import { type ChipName, chipNames, type Generation, generations } from "../chip/chip.ts";
import { Misuse } from "../error.ts";
import type { PageSize } from "../hypervisor/vm.ts";
import type { Sampling } from "../replay/sample.ts";

const UNITS: Record<string, number> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes from "512MiB", "4GiB" or a plain number. */
export function size(name: string): (text: string) => number {
  return (text) => {
    const [, digits, unit] = /^(\d+)(KiB|MiB|GiB|)$/.exec(text) ?? [];
    if (!digits) throw new Misuse(`${name}: "${text}", expected a size like 512MiB or 2GiB`);
    return Number(digits) * (UNITS[unit ?? ""] as number);
  };
}

/** A whole number from `least` on. */
export function whole(name: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new Misuse(`${name}: "${text}", expected a whole number from ${least} to 2^53 - 1`);
  };
}

/** One of a list of words. */
export function oneOf<Word extends string>(
  name: string,
  words: readonly Word[],
): (text: string) => Word {
  return (text) => {
    if (words.includes(text as Word)) return text as Word;
    throw new Misuse(`${name}: "${text}", expected one of ${words.join(", ")}`);
  };
}

/** "1000/100000": so many of every so many. */
export function sampling(text: string): Sampling {
  const [, keep, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [kept, every] = [Number(keep), Number(of)];
  if (kept >= 1 && kept < every && Number.isSafeInteger(every)) return { keep: kept, of: every };
  throw new Misuse(`--sample: "${text}", expected N/M with N below M, like 1000/100000`);
}

export const chip: (text: string) => ChipName = oneOf("--chip", chipNames);
export const pageSize: (text: string) => PageSize = oneOf("--page-size", ["4k", "2m"] as const);

/** Generations, separated by commas; each once. */
export function generationList(text: string): Generation[] {
  const list = text.split(",").map(oneOf("--generations", generations));
  if (new Set(list).size === list.length) return list;
  throw new Misuse(`--generations: "${text}", expected each generation once`);
}
