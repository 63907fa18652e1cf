// A VMPCK and its message count where a guest has them: in the secrets page. Linux asm/sev.h, snp_secrets_page.
import * as Secrets from "../abi/secrets-page.ts";
import { isZero } from "../attest/bytes.ts";
import type { Step } from "./cpu.ts";

/** The guest's secrets page, by offset. */
export interface SecretsPage {
  read(at: number, into: Uint8Array): Step;
  write(at: number, from: Uint8Array): Step;
}

const KEYS = [Secrets.VMPCK0, Secrets.VMPCK1, Secrets.VMPCK2, Secrets.VMPCK3] as const;
const LOWS = [
  Secrets.MESSAGE_LOW0,
  Secrets.MESSAGE_LOW1,
  Secrets.MESSAGE_LOW2,
  Secrets.MESSAGE_LOW3,
] as const;
const HIGHS = [
  Secrets.MESSAGE_HIGH0,
  Secrets.MESSAGE_HIGH1,
  Secrets.MESSAGE_HIGH2,
  Secrets.MESSAGE_HIGH3,
] as const;

const KEY_BYTES = 32;

/** One of the four keys. */
export class MessageKey {
  readonly vmpck: 0 | 1 | 2 | 3;
  readonly #page: SecretsPage;

  constructor(page: SecretsPage, vmpck: 0 | 1 | 2 | 3) {
    this.vmpck = vmpck;
    this.#page = page;
  }

  /** 32 bytes; undefined once it is wiped. */
  *key(): Step<Uint8Array | undefined> {
    const key = new Uint8Array(KEY_BYTES);
    yield* this.#page.read(KEYS[this.vmpck], key);
    return isZero(key) ? undefined : key;
  }

  /** How many messages it has carried. */
  *count(): Step<bigint> {
    const [low, high] = [new Uint8Array(4), new Uint8Array(4)];
    yield* this.#page.read(LOWS[this.vmpck], low);
    yield* this.#page.read(HIGHS[this.vmpck], high);
    return (BigInt(wordOf(high)) << 32n) | BigInt(wordOf(low));
  }

  *setCount(count: bigint): Step {
    yield* this.#page.write(LOWS[this.vmpck], bytesOf(count & 0xffffffffn));
    yield* this.#page.write(HIGHS[this.vmpck], bytesOf(count >> 32n));
  }

  /** A number must never seal two messages: where it is unclear whether one was used, the key goes. Linux snp_disable_vmpck. */
  *wipe(): Step {
    yield* this.#page.write(KEYS[this.vmpck], new Uint8Array(KEY_BYTES));
  }
}

const wordOf = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0, true);

function bytesOf(word: bigint): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(word), true);
  return bytes;
}
