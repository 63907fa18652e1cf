// The platform as the legacy commands see it: state, guests by handle, and the keys that it shows and is owned by.
import { p384 } from "@noble/curves/nist.js";
import * as Certificate from "../abi/psp/sev-certificate.ts";
import * as Persistent from "../abi/psp/sev-persistent.ts";
import { cekOf, chipSecretsOf } from "../attest/evidence/secret.ts";
import { bitOf, viewOf } from "../layout.ts";
import type { Prng } from "../prng.ts";
import type { FirmwareVersion } from "./facts.ts";
import { type PlatformState, SevState } from "./platform.ts";
import { makeCertificate, sign } from "./sev-certificate.ts";
import type { SevGuest } from "./sev-guest.ts";
import { Sealed, type Storage } from "./storage.ts";

/** Keys of the platform, 48 bytes each, and its certificates. SEV API (AMD 55766), 2. */
export interface PlatformKeys {
  pek: Uint8Array;
  pdh: Uint8Array;
  pekCertificate: Uint8Array;
  ocaCertificate: Uint8Array;
  /** Whether PEK_CERT_IMPORT gave the platform to an owner. */
  owned: boolean;
}

const SEED = 72;

export class SevPlatform {
  /** Whether INIT was done, and whether for SEV-ES guests too. */
  isInit = false;
  es = false;
  readonly guests: Map<number, SevGuest> = new Map<number, SevGuest>();
  readonly #platform: PlatformState;
  readonly #chance: Prng;
  readonly #flash: Sealed;
  #keys: PlatformKeys | undefined;
  #nextHandle = 1;

  /** `chance` is the platform keys' own: they are made when they are first asked for. */
  constructor(platform: PlatformState, storage: Storage, chance: Prng) {
    this.#platform = platform;
    this.#chance = chance;
    this.#flash = new Sealed(storage, "sev", platform.seed);
    this.#keys = restored(this.#flash.read());
  }

  get state(): number {
    if (!this.isInit) return SevState.UNINIT;
    return this.guests.size === 0 ? SevState.INIT : SevState.WORKING;
  }

  get isOwned(): boolean {
    return this.#keys?.owned ?? false;
  }

  get version(): FirmwareVersion {
    return this.#platform.current.version;
  }

  /** A handle that no guest has had since power-on. */
  takeHandle(): number {
    return this.#nextHandle++;
  }

  /** The chip's endorsement key, which nobody chose. */
  get cek(): Uint8Array {
    return cekOf(chipSecretsOf(this.#platform.seed, this.#platform.product).fuses);
  }

  /** The platform's keys; fresh ones, owned by nobody, when there are none. Writes the flash then: for commands that succeed. */
  get keys(): PlatformKeys {
    return this.#keys ?? this.#keep(this.#newKeys());
  }

  /** The platform's keys if there are any yet: what a command that may still be refused compares with. */
  get known(): PlatformKeys | undefined {
    return this.#keys;
  }

  /** PEK_GEN: a new PEK under an OCA that is nobody's, and a new PDH. */
  generatePek(): void {
    this.#keep(this.#newKeys());
  }

  #newKeys(): PlatformKeys {
    const [oca, pek, pdh] = [this.#newKey(), this.#newKey(), this.#newKey()];
    const ocaCertificate = makeCertificate(Certificate.OCA, oca, this.version);
    sign(ocaCertificate, 1, { usage: Certificate.OCA, secretKey: oca });
    const pekCertificate = this.pekRequest(pek);
    sign(pekCertificate, 1, { usage: Certificate.OCA, secretKey: oca });
    sign(pekCertificate, 2, { usage: Certificate.CEK, secretKey: this.cek });
    return { pek, pdh, pekCertificate, ocaCertificate, owned: false };
  }

  /** PDH_GEN: a new PDH. */
  generatePdh(): void {
    this.#keep({ ...(this.#keys ?? this.#newKeys()), pdh: this.#newKey() });
  }

  /** PEK_CERT_IMPORT: the platform is the OCA's. `pekCertificate` has its signature; the chip's own is added. */
  own(pekCertificate: Uint8Array, ocaCertificate: Uint8Array): void {
    const signed = pekCertificate.slice();
    sign(signed, 2, { usage: Certificate.CEK, secretKey: this.cek });
    const pdh = this.#newKey();
    this.#keep({ ...this.keys, pdh, pekCertificate: signed, ocaCertificate, owned: true });
  }

  /** PLATFORM_RESET: no keys, no owner. */
  reset(): void {
    this.#keys = undefined;
    this.#flash.write(new Uint8Array(0));
  }

  /** The PEK's certificate before anybody signs it. */
  pekRequest(pek: Uint8Array = this.keys.pek): Uint8Array {
    return makeCertificate(Certificate.PEK, pek, this.version);
  }

  /** The PDH's certificate, signed by the PEK. */
  pdhCertificate(): Uint8Array {
    const { pdh, pek } = this.keys;
    const certificate = makeCertificate(Certificate.PDH, pdh, this.version);
    sign(certificate, 1, { usage: Certificate.PEK, secretKey: pek });
    return certificate;
  }

  /** PEK, OCA and CEK: what stands above the PDH. The CEK's signature by AMD comes from the key service. */
  chain(): Uint8Array {
    const { pekCertificate, ocaCertificate } = this.keys;
    const cek = makeCertificate(Certificate.CEK, this.cek, this.version);
    const bytes = new Uint8Array(3 * Certificate.SIZE);
    for (const [i, one] of [pekCertificate, ocaCertificate, cek].entries())
      bytes.set(one, i * Certificate.SIZE);
    return bytes;
  }

  /** FIPS 186-5, A.2.1. */
  #newKey(): Uint8Array {
    return p384.utils.randomSecretKey(this.#chance.bytes(SEED));
  }

  #keep(keys: PlatformKeys): PlatformKeys {
    const bytes = new Uint8Array(Persistent.SIZE);
    viewOf(bytes).setUint32(Persistent.FLAGS, Number(keys.owned) << Persistent.OWNED_BIT, true);
    bytes.set(keys.pek, Persistent.PEK);
    bytes.set(keys.pdh, Persistent.PDH);
    bytes.set(keys.pekCertificate, Persistent.PEK_CERT);
    bytes.set(keys.ocaCertificate, Persistent.OCA_CERT);
    this.#flash.write(bytes);
    this.#keys = keys;
    return keys;
  }
}

/** Empty bytes stand for a platform that was reset. */
function restored(bytes: Uint8Array | undefined): PlatformKeys | undefined {
  if (!bytes || bytes.length === 0) return undefined;
  return {
    owned: bitOf(viewOf(bytes).getUint32(Persistent.FLAGS, true), Persistent.OWNED_BIT),
    pek: bytes.slice(Persistent.PEK, Persistent.PDH),
    pdh: bytes.slice(Persistent.PDH, Persistent.PEK_CERT),
    pekCertificate: bytes.slice(Persistent.PEK_CERT, Persistent.OCA_CERT),
    ocaCertificate: bytes.slice(Persistent.OCA_CERT, Persistent.SIZE),
  };
}
