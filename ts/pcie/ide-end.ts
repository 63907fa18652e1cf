// One end of an IDE stream at work: TLPs sealed as they leave, opened as they come, in aggregated units, with the counters that
// show what is missing. PCIe 6.33.5 to 6.33.8.
import * as IdeKm from "../abi/ide-km.ts";
import * as Prefix from "../abi/ide-prefix.ts";
import * as Tlp from "../abi/tlp.ts";
import { type Aead, TAG_BYTES } from "../spdm/crypto.ts";
import { iv } from "../spdm/ide-key.ts";
import { bit, equal, field, join } from "../spdm/octets.ts";
import type { IdeStream } from "./ide.ts";
import { type Packet, packetOf } from "./tlp.ts";

/** AES-256-GCM. Opening is sealing once more: GCM's cipher is its own inverse, and IDE keeps 96 bits of the tag. */
export type IdeCipher = Pick<Aead, "seal">;

/** A protected TLP taken apart, its data still encrypted. */
export interface Protected extends Packet {
  streamId: number;
  subStream: number;
  tee: boolean;
  set: 0 | 1;
  prSent: number;
  /** The octets that are authenticated and not encrypted. */
  clear: Uint8Array;
  mac: Uint8Array | undefined;
}

/** A TLP whose MAC was good. */
export interface Opened extends Packet {
  tee: boolean;
}

const PR_COUNTER = 256;

/** The sub-stream a TLP belongs to, by its type. */
export function subStreamOf(header: Uint8Array): number {
  const type = header[Tlp.FORMAT_TYPE]!;
  if (type === Tlp.COMPLETION || type === Tlp.COMPLETION_DATA) return IdeKm.SUB_STREAM_CPL;
  const isRead = type === Tlp.MEMORY_READ_32 || type === Tlp.MEMORY_READ_64;
  return isRead ? IdeKm.SUB_STREAM_NPR : IdeKm.SUB_STREAM_PR;
}

/** Takes a protected TLP apart; undefined: malformed. */
export function protectedOf(octets: Uint8Array): Protected | undefined {
  if (octets.length < Prefix.SIZE || octets[Prefix.FORMAT_TYPE] !== Prefix.IDE) return undefined;
  const bits = octets[Prefix.BITS]!;
  const hasMac = bit(bits, Prefix.M_BIT);
  const end = octets.length - (hasMac ? Prefix.MAC_BYTES : 0);
  const packet = end < Prefix.SIZE ? undefined : packetOf(octets.subarray(Prefix.SIZE, end));
  const subStream = field(bits, Prefix.SUB_STREAM_LSB, Prefix.SUB_STREAM_WIDTH);
  const reserved = bits & ~(SUB_STREAM_MASK | KNOWN_BITS);
  if (!packet || reserved || subStream !== subStreamOf(packet.header)) return undefined;
  return {
    ...packet,
    streamId: octets[Prefix.STREAM_ID]!,
    subStream,
    tee: bit(bits, Prefix.T_BIT),
    set: bit(bits, Prefix.K_BIT) ? 1 : 0,
    prSent: octets[Prefix.PR_SENT_COUNTER]!,
    clear: octets.subarray(0, Prefix.SIZE + packet.header.length),
    mac: hasMac ? octets.subarray(end) : undefined,
  };
}

const SUB_STREAM_MASK = (2 ** Prefix.SUB_STREAM_WIDTH - 1) << Prefix.SUB_STREAM_LSB;
const KNOWN_BITS = (1 << Prefix.T_BIT) | (1 << Prefix.K_BIT) | (1 << Prefix.M_BIT);

export class IdeEnd {
  readonly stream: IdeStream;
  readonly #cipher: IdeCipher;
  #epoch: number;
  /** Posted requests since the last TLP of the sub-stream: NPR and CPL have a counter each. */
  #sent: number[] = [0, 0, 0];
  #received: number[] = [0, 0, 0];
  /** By sub-stream: TLPs whose MAC has not come yet. */
  #pending: Protected[][] = [[], [], []];

  constructor(stream: IdeStream, cipher: IdeCipher) {
    this.stream = stream;
    this.#cipher = cipher;
    this.#epoch = stream.epoch;
  }

  /** As they travel, in order; undefined while the stream is not Secure: nothing may leave under it then. */
  seal(packets: readonly Packet[], tee: boolean): Uint8Array[] | undefined {
    this.#renew();
    const sealed: Uint8Array[] = [];
    for (let at = 0; at < packets.length; ) {
      const subStream = subStreamOf(packets[at]!.header);
      const most = this.stream.aggregation(subStream);
      const from = at;
      while (at < packets.length && at - from < most && isOf(packets[at]!, subStream)) at++;
      const unit = this.#sealUnit(packets.slice(from, at), subStream, tee);
      if (!unit) return undefined;
      sealed.push(...unit);
    }
    return sealed;
  }

  #sealUnit(unit: readonly Packet[], subStream: number, tee: boolean): Uint8Array[] | undefined {
    const using = this.stream.isSecure ? this.stream.transmitKey(subStream) : undefined;
    if (!using) return undefined;
    const last = unit.length - 1;
    const clear = unit.map(({ header }, n) =>
      join(this.#prefix(subStream, using.set, tee, n === last), header),
    );
    const data = unit.length === 1 ? unit[0]!.data : join(...unit.map((each) => each.data));
    const nonce = iv(subStream, using.key.invocation++);
    const aad = unit.length === 1 ? clear[0]! : join(...clear);
    const whole = this.#cipher.seal(using.key.key, nonce, aad, data);
    let at = 0;
    return unit.map((packet, n) => {
      const piece = whole.subarray(at, at + packet.data.length);
      at += packet.data.length;
      if (n < last) return join(clear[n]!, piece);
      return join(clear[n]!, piece, whole.subarray(at, at + Prefix.MAC_BYTES));
    });
  }

  #prefix(subStream: number, set: 0 | 1, tee: boolean, mac: boolean): Uint8Array {
    const prefix = new Uint8Array(Prefix.SIZE);
    prefix[Prefix.FORMAT_TYPE] = Prefix.IDE;
    prefix[Prefix.BITS] =
      (subStream << Prefix.SUB_STREAM_LSB) |
      (tee ? 1 << Prefix.T_BIT : 0) |
      (set << Prefix.K_BIT) |
      (mac ? 1 << Prefix.M_BIT : 0);
    prefix[Prefix.STREAM_ID] = this.stream.id;
    if (subStream === IdeKm.SUB_STREAM_PR) {
      for (const other of COUNTED) this.#sent[other] = (this.#sent[other]! + 1) % PR_COUNTER;
    } else {
      prefix[Prefix.PR_SENT_COUNTER] = this.#sent[subStream]!;
      this.#sent[subStream] = 0;
    }
    return prefix;
  }

  /** What may be believed now: nothing while the unit's MAC is still to come; undefined when a check failed. The caller then tells
   *  the partner. */
  open(tlp: Protected): Opened[] | undefined {
    this.#renew();
    const { subStream } = tlp;
    if (!this.stream.isSecure) return undefined;
    if (tlp.tee !== true && this.stream.isTeeLimited) return this.#fail();
    if (!this.#counts(tlp)) return this.#fail();
    const unit = this.#pending[subStream]!;
    unit.push(tlp);
    if (!tlp.mac) return unit.length < MOST_AGGREGATED ? [] : this.#fail();
    this.#pending[subStream] = [];
    return this.#openUnit(unit, tlp.mac) ?? this.#fail();
  }

  /** A posted request missing from before this one shows in its counter. */
  #counts({ subStream, prSent }: Protected): boolean {
    if (subStream === IdeKm.SUB_STREAM_PR) {
      for (const other of COUNTED) this.#received[other]!++;
      return prSent === 0;
    }
    this.#received[subStream]! -= prSent;
    return this.#received[subStream]! >= 0;
  }

  #openUnit(unit: readonly Protected[], mac: Uint8Array): Opened[] | undefined {
    const { subStream, set, tee } = unit[0]!;
    const key = this.stream.receiveKey(subStream, set);
    if (!key || unit.some((each) => each.set !== set || each.tee !== tee)) return undefined;
    const nonce = iv(subStream, key.invocation++);
    const aad = unit.length === 1 ? unit[0]!.clear : join(...unit.map((each) => each.clear));
    const sealed = unit.length === 1 ? unit[0]!.data : join(...unit.map((each) => each.data));
    const data = this.#cipher.seal(key.key, nonce, aad, sealed).subarray(0, sealed.length);
    const again = this.#cipher.seal(key.key, nonce, aad, data);
    const tag = again.subarray(data.length, data.length + TAG_BYTES);
    if (!equal(tag.subarray(0, Prefix.MAC_BYTES), mac)) return undefined;
    this.stream.received(subStream, set);
    let at = 0;
    return unit.map(({ header, data: { length } }) => {
      at += length;
      return { header, data: data.subarray(at - length, at), tee };
    });
  }

  #fail(): undefined {
    this.stream.clear();
    return undefined;
  }

  /** What was counted in an earlier Secure time is of no use in this one. */
  #renew(): void {
    if (this.#epoch === this.stream.epoch) return;
    this.#epoch = this.stream.epoch;
    this.#sent = [0, 0, 0];
    this.#received = [0, 0, 0];
    this.#pending = [[], [], []];
  }
}

const MOST_AGGREGATED = 8;
const COUNTED = [IdeKm.SUB_STREAM_NPR, IdeKm.SUB_STREAM_CPL];

const isOf = ({ header }: Packet, subStream: number): boolean => subStreamOf(header) === subStream;
