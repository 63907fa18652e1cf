// What the tests of the silicon share: the core under test, and machines with nothing on them.
import { readFileSync } from "node:fs";
import * as Pte from "../ts/abi/pte.ts";
import * as Rmp from "../ts/abi/rmp.ts";

/** The core to test: with CLOISTER_CORE=debug the one with assertions, else the package's own. */
export const coreModule: WebAssembly.Module | undefined =
  process.env["CLOISTER_CORE"] === "debug"
    ? new WebAssembly.Module(readFileSync("build/debug.wasm"))
    : undefined;

/** What the two cores have in common: a platform option. */
export const withCore: { module?: WebAssembly.Module } = coreModule ? { module: coreModule } : {};

export const MIB = 0x100000;
export const PAGE = 0x1000n;
export const LARGE = 0x200000n;

export const bit = (position: number): bigint => 1n << BigInt(position);
export const PRESENT: bigint = bit(Pte.PRESENT_BIT);
export const WRITABLE: bigint = bit(Pte.WRITE_BIT);
export const USER: bigint = bit(Pte.USER_BIT);
export const ACCESSED: bigint = bit(Pte.ACCESSED_BIT);
export const DIRTY: bigint = bit(Pte.DIRTY_BIT);
export const LARGE_LEAF: bigint = bit(Pte.LARGE_BIT);
export const NX: bigint = bit(Pte.NX_BIT);
/** An entry that allows everything. */
export const OPEN: bigint = PRESENT | WRITABLE | USER;

/** Chance with a seed: xorshift64*, which is not the machine's own generator. */
export class Chance {
  #state: bigint;
  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed * 0x9e3779b97f4a7c15n) | 1n;
  }
  word(): bigint {
    let x = this.#state;
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    this.#state = x;
    return BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn);
  }
  /** 0 to below - 1. */
  below(below: number): number {
    return Number((this.word() >> 16n) % BigInt(below));
  }
  /** True once in `of` times. */
  once(of: number): boolean {
    return this.below(of) === 0;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/** `length` bytes no two neighbours of which are alike, different for each salt. */
export function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 4) * 59 + salt * 101 + 13) & 0xff);
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/** Reads `length` bytes by a port's read; fails aloud when refused. */
export function readAll(read: (into: Uint8Array) => boolean, length: number): Uint8Array {
  const into = new Uint8Array(length);
  if (!read(into)) throw new Error("a read was refused");
  return into;
}

/** The fields of an RMP entry's low quadword. */
export interface RmpFields {
  assigned: boolean;
  large: boolean;
  immutable: boolean;
  gpa: bigint;
  asid: number;
  vmsa: boolean;
  validated: boolean;
}

const NOTHING: RmpFields = {
  assigned: false,
  large: false,
  immutable: false,
  gpa: 0n,
  asid: 0,
  vmsa: false,
  validated: false,
};

export function rmpLow(fields: Partial<RmpFields>): bigint {
  const all = { ...NOTHING, ...fields };
  const flag = (set: boolean, position: number) => (set ? bit(position) : 0n);
  return (
    flag(all.assigned, Rmp.ASSIGNED_BIT) |
    flag(all.large, Rmp.PAGE_SIZE_BIT) |
    flag(all.immutable, Rmp.IMMUTABLE_BIT) |
    ((all.gpa >> 12n) << BigInt(Rmp.GPA_LSB)) |
    (BigInt(all.asid) << BigInt(Rmp.ASID_LSB)) |
    flag(all.vmsa, Rmp.VMSA_BIT) |
    flag(all.validated, Rmp.VALIDATED_BIT)
  );
}
