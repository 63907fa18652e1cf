// What becomes of a request: a response, or a refusal that ERROR carries. DSP0274 10.10.
import * as Code from "../abi/spdm.ts";
import { join } from "./octets.ts";

export interface Refusal {
  refuse: number;
  data?: number;
  extended?: Uint8Array;
}

export interface Accepted {
  response: Uint8Array;
  /** Moves the state once the response is known to fit, before it is sealed. */
  commit?(): void;
  /** Moves the state that must not change before the response is sealed. */
  sealed?(): void;
}

/** Undefined: the request is discarded without an answer. */
export type Answer = Accepted | Refusal | undefined;

export const refuse = (code: number, data = 0, extended?: Uint8Array): Refusal =>
  extended ? { refuse: code, data, extended } : { refuse: code, data };

export const INVALID: Refusal = refuse(Code.INVALID_REQUEST);
export const UNEXPECTED: Refusal = refuse(Code.UNEXPECTED_REQUEST);

export const isRefusal = (answer: Accepted | Refusal): answer is Refusal => "refuse" in answer;

/** The ERROR message of a refusal. */
export function errorMessage(version: number, { refuse, data, extended }: Refusal): Uint8Array {
  const head = Uint8Array.of(version, Code.ERROR, refuse, data ?? 0);
  return extended ? join(head, extended) : head;
}

/** Version, code and two parameters, then the parts. */
export function message(
  version: number,
  code: number,
  param1: number,
  param2: number,
  ...parts: Uint8Array[]
): Uint8Array {
  return join(Uint8Array.of(version, code, param1, param2), ...parts);
}
