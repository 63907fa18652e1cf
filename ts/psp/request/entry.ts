// What a file of this folder is: one guest message, its forms, and how it is answered. SNP firmware ABI (AMD 56860), 7.
import type { Prng } from "../../prng.ts";
import type { Form } from "../envelope.ts";
import type { Contexts, PlatformFacts } from "../facts.ts";
import type { GuestContext } from "../guest.ts";
import type { RootKeys } from "../keys.ts";

/** Everything that a message may be answered from. */
export interface Scene {
  readonly facts: PlatformFacts;
  readonly keys: RootKeys;
  /** The context page of the guest that asks, and what is in it. */
  readonly gctx: bigint;
  readonly guest: GuestContext;
  /** Other guests, for a migration agent. */
  readonly contexts: Contexts;
  /** Whether a device is passed through to a guest. */
  readonly isBound: (guest: GuestContext) => boolean;
  /** Makes CPUID entries (ts/abi/cpuid-entry.ts) safe in place; false when one was not. */
  readonly correctCpuid: (entries: Uint8Array) => boolean;
  /** Makes keys of guests that are imported. */
  readonly chance: Prng;
}

export interface Asked extends Scene {
  /** That of the VMPCK which the message came under. */
  readonly vmpl: number;
  readonly version: number;
  /** MSG_SIZE bytes. */
  readonly payload: Uint8Array;
  readonly view: DataView;
}

export interface Answered {
  readonly payload: Uint8Array;
  /** Changes of contexts; runs once the response is made and counted. */
  readonly apply?: () => void;
}

export interface MessageEntry extends Form {
  /** Answers whatever the payload says: what is wrong in it is the response's STATUS. */
  run(asked: Asked): Answered;
}
