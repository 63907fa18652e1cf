// Context pages: memory that the host sees and cannot read, alter or roll back unnoticed. AES-256-GCM under a key that lives in
// the secure processor for one boot; the nonce of each page's newest version is kept there too.
import * as Frame from "../abi/frame.ts";
import * as Layout from "../abi/psp/context-page.ts";
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { FirmwarePort } from "../port.ts";
import { pageAt, setPage } from "./page.ts";

const NONCE_BYTES = Layout.RESERVED_000C - Layout.NONCE;

/** What the pages hold. */
export interface Contents<T> {
  /** Bytes of the plaintext. */
  readonly size: number;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** The status of a page that is none of these. */
  readonly absent: number;
}

/** Pages of one kind. */
export class SealedPages<T> {
  readonly #port: FirmwarePort;
  readonly #key: Uint8Array;
  readonly #contents: Contents<T>;
  /** The nonce of each page's newest version, by address. */
  readonly #newest = new Map<bigint, bigint>();
  #nonce = 0n;

  /** `key` is 32 bytes that no other kind of page has. */
  constructor(port: FirmwarePort, key: Uint8Array, contents: Contents<T>) {
    this.#port = port;
    this.#key = key;
    this.#contents = contents;
  }

  get count(): number {
    return this.#newest.size;
  }

  /** The address of every page. */
  pages(): readonly bigint[] {
    return [...this.#newest.keys()];
  }

  /** Makes a Firmware page one of these. */
  create(spa: bigint, value: T): void {
    setPage(this.#port, spa, { immutable: true, vmsa: true });
    this.save(spa, value);
  }

  /** What is in a page, or why it is none: INVALID_ADDRESS, `absent`, or SECURE_DATA_INVALID when somebody altered it. */
  open(spa: bigint): T | number {
    if (spa & 0xfffn || !this.#port.covered(spa)) return Status.INVALID_ADDRESS;
    const nonce = this.#newest.get(spa);
    if (nonce === undefined || pageAt(this.#port, spa).state !== "context")
      return this.#contents.absent;
    const { size } = this.#contents;
    const page = new Uint8Array(Layout.CIPHERTEXT + size);
    this.#port.read(spa, Frame.RAW, page);
    if (page.subarray(Layout.NONCE, NONCE_BYTES).some((byte, i) => byte !== nonceOf(nonce)[i]))
      return Status.SECURE_DATA_INVALID;
    const sealed = new Uint8Array(page.length - Layout.AUTH_TAG);
    sealed.set(page.subarray(Layout.CIPHERTEXT));
    sealed.set(page.subarray(Layout.AUTH_TAG, Layout.CIPHERTEXT), size);
    const plain = this.#port.open(this.#key, nonceOf(nonce), placeOf(spa), sealed);
    return plain ? this.#contents.decode(plain) : Status.SECURE_DATA_INVALID;
  }

  save(spa: bigint, value: T): void {
    const nonce = ++this.#nonce;
    const { size, encode } = this.#contents;
    const sealed = this.#port.seal(this.#key, nonceOf(nonce), placeOf(spa), encode(value));
    const page = new Uint8Array(Layout.SIZE);
    page.set(nonceOf(nonce), Layout.NONCE);
    page.set(sealed.subarray(size), Layout.AUTH_TAG);
    page.set(sealed.subarray(0, size), Layout.CIPHERTEXT);
    this.#port.write(spa, Frame.RAW, page);
    this.#newest.set(spa, nonce);
  }

  /** Forgets a page: it is erased and the firmware's again. */
  destroy(spa: bigint): void {
    this.#port.write(spa, Frame.RAW, new Uint8Array(Layout.SIZE));
    setPage(this.#port, spa, { immutable: true });
    this.#newest.delete(spa);
  }
}

/** What a page's contents are bound to: where it lies. */
function placeOf(spa: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, spa, true);
  return bytes;
}

function nonceOf(nonce: bigint): Uint8Array {
  const bytes = new Uint8Array(NONCE_BYTES);
  viewOf(bytes).setBigUint64(0, nonce, true);
  return bytes;
}
