// The secure processor's flash: what it keeps when power is lost, sealed under the chip's own key.
import { gcmsiv } from "@noble/ciphers/aes.js";
import { derive } from "../attest/evidence/secret.ts";
import { BadInput } from "../error.ts";

/** Where a platform's flash lies; a `Map` will do. A command sets one item at most, once, after all its checks: where `set` is whole
 *  or not at all (a file: written aside, then renamed), so is the command when power is lost. */
export interface Storage {
  get(name: string): Uint8Array | undefined;
  set(name: string, bytes: Uint8Array): unknown;
}

const NONCE = 12;

/** One item of the flash. The seal is misuse resistant (RFC 8452): equal contents give equal bytes, and no nonce is ever spent. */
export class Sealed {
  readonly #storage: Storage;
  readonly #name: string;
  readonly #key: Uint8Array;

  /** `seed` is the chip's secret. */
  constructor(storage: Storage, name: string, seed: string) {
    this.#storage = storage;
    this.#name = name;
    this.#key = derive(seed, `flash ${name}`, 32);
  }

  /** What was written last, or undefined when nothing ever was. Throws BadInput for another chip's, or altered, bytes. */
  read(): Uint8Array | undefined {
    const sealed = this.#storage.get(this.#name);
    if (sealed === undefined) return undefined;
    try {
      return gcmsiv(this.#key, new Uint8Array(NONCE)).decrypt(sealed);
    } catch {
      throw new BadInput(
        `storage "${this.#name}": ${sealed.length} bytes that this chip has not sealed, or that were altered`,
      );
    }
  }

  write(bytes: Uint8Array): void {
    this.#storage.set(this.#name, gcmsiv(this.#key, new Uint8Array(NONCE)).encrypt(bytes));
  }
}
