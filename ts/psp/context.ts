// Guest context pages: memory that the host sees and cannot read, alter or roll back unnoticed. AES-256-GCM under a key that
// lives in the secure processor for one boot; the nonce of each page's newest version is kept there too.
import * as Frame from "../abi/frame.ts";
import * as Layout from "../abi/psp/context-page.ts";
import * as Status from "../abi/status.ts";
import { viewOf } from "../layout.ts";
import type { FirmwarePort } from "../port.ts";
import type { Prng } from "../prng.ts";
import { decodeContext, encodeContext } from "./context-codec.ts";
import type { Contexts } from "./facts.ts";
import type { GuestContext } from "./guest.ts";
import { pageAt, setPage } from "./page.ts";

const NONCE_BYTES = Layout.RESERVED_000C - Layout.NONCE;
const SEALED_END = Layout.RESERVED_0330;

export class ContextPages implements Contexts {
  readonly #port: FirmwarePort;
  readonly #key: Uint8Array;
  /** The nonce of each context's newest version, by address. */
  readonly #newest = new Map<bigint, bigint>();
  #nonce = 0n;

  constructor(port: FirmwarePort, chance: Prng) {
    this.#port = port;
    this.#key = chance.bytes(32);
  }

  get count(): number {
    return this.#newest.size;
  }

  /** The address of every context. */
  pages(): readonly bigint[] {
    return [...this.#newest.keys()];
  }

  /** Makes a Firmware page the context of a guest. */
  create(gctx: bigint, context: GuestContext): void {
    setPage(this.#port, gctx, { immutable: true, vmsa: true });
    this.save(gctx, context);
  }

  /** The context in a page, or why it is none: INVALID_GUEST, or SECURE_DATA_INVALID when somebody altered it. */
  open(gctx: bigint): GuestContext | number {
    if (gctx & 0xfffn || !this.#port.covered(gctx)) return Status.INVALID_ADDRESS;
    const nonce = this.#newest.get(gctx);
    if (nonce === undefined || pageAt(this.#port, gctx).state !== "context")
      return Status.INVALID_GUEST;
    const page = new Uint8Array(SEALED_END);
    this.#port.read(gctx, Frame.RAW, page);
    if (page.subarray(Layout.NONCE, NONCE_BYTES).some((byte, i) => byte !== nonceOf(nonce)[i]))
      return Status.SECURE_DATA_INVALID;
    const sealed = new Uint8Array(SEALED_END - Layout.AUTH_TAG);
    sealed.set(page.subarray(Layout.CIPHERTEXT));
    sealed.set(page.subarray(Layout.AUTH_TAG, Layout.CIPHERTEXT), SEALED_END - Layout.CIPHERTEXT);
    const plain = this.#port.open(this.#key, nonceOf(nonce), placeOf(gctx), sealed);
    return plain ? decodeContext(plain) : Status.SECURE_DATA_INVALID;
  }

  save(gctx: bigint, context: GuestContext): void {
    const nonce = ++this.#nonce;
    const plain = encodeContext(context);
    const sealed = this.#port.seal(this.#key, nonceOf(nonce), placeOf(gctx), plain);
    const size = SEALED_END - Layout.CIPHERTEXT;
    const page = new Uint8Array(Layout.SIZE);
    page.set(nonceOf(nonce), Layout.NONCE);
    page.set(sealed.subarray(size), Layout.AUTH_TAG);
    page.set(sealed.subarray(0, size), Layout.CIPHERTEXT);
    this.#port.write(gctx, Frame.RAW, page);
    this.#newest.set(gctx, nonce);
  }

  /** Forgets a guest: its page is erased and the firmware's again. */
  destroy(gctx: bigint): void {
    this.#port.write(gctx, Frame.RAW, new Uint8Array(Layout.SIZE));
    setPage(this.#port, gctx, { immutable: true });
    this.#newest.delete(gctx);
  }
}

/** What a context is bound to: the page it lies in. */
function placeOf(gctx: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, gctx, true);
  return bytes;
}

function nonceOf(nonce: bigint): Uint8Array {
  const bytes = new Uint8Array(NONCE_BYTES);
  viewOf(bytes).setBigUint64(0, nonce, true);
  return bytes;
}
