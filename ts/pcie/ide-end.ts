// One end of an IDE stream at work: TLPs sealed as they leave, opened as they come, in aggregated units, with the counters that
// show what is missing. PCIe 6.33.5 to 6.33.8.
import * as IdeKm from "../abi/ide-km.ts";
import * as Prefix from "../abi/ide-prefix.ts";
import * as Tlp from "../abi/tlp.ts";
import { iv } from "../spdm/ide-key.ts";
import { bit, join } from "../spdm/octets.ts";
import type { IdeStream, StreamKey } from "./ide.ts";
import type { IdeCipher, IdeUnit } from "./ide-cipher.ts";
import { dataBytesAt, headerBytesAt, type Packet } from "./tlp.ts";

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
export const subStreamOf = (header: Uint8Array): number =>
  subStreamOfType(header[Tlp.FORMAT_TYPE]!);

function subStreamOfType(type: number): number {
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
  const header = headerBytesAt(octets, Prefix.SIZE);
  const subStream = (bits >> Prefix.SUB_STREAM_LSB) & SUB_STREAM_MASK;
  if (header === undefined || bits & ~KNOWN_BITS) return undefined;
  const from = Prefix.SIZE + header;
  if (end !== from + dataBytesAt(octets, Prefix.SIZE)) return undefined;
  const isOwn = subStream === subStreamOfType(octets[Prefix.SIZE + Tlp.FORMAT_TYPE]!);
  if (!isOwn) return undefined;
  return {
    header: octets.subarray(Prefix.SIZE, from),
    data: octets.subarray(from, end),
    streamId: octets[Prefix.STREAM_ID]!,
    subStream,
    tee: bit(bits, Prefix.T_BIT),
    set: bit(bits, Prefix.K_BIT) ? 1 : 0,
    prSent: octets[Prefix.PR_SENT_COUNTER]!,
    clear: octets.subarray(0, from),
    mac: hasMac ? octets.subarray(end) : undefined,
  };
}

const SUB_STREAM_MASK = 2 ** Prefix.SUB_STREAM_WIDTH - 1;
const KNOWN_BITS =
  (SUB_STREAM_MASK << Prefix.SUB_STREAM_LSB) |
  (1 << Prefix.T_BIT) |
  (1 << Prefix.K_BIT) |
  (1 << Prefix.M_BIT);

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
      const from = at;
      const subStream = subStreamOf(packets[from]!.header);
      while (at < packets.length && isOf(packets[at]!, subStream)) at++;
      const run = this.#sealRun(packets.slice(from, at), subStream, tee);
      if (!run) return undefined;
      sealed.push(...run);
    }
    return sealed;
  }

  /** TLPs of one sub-stream: units of as many as the port aggregates. */
  #sealRun(run: readonly Packet[], subStream: number, tee: boolean): Uint8Array[] | undefined {
    const using = this.stream.isSecure ? this.stream.transmitKey(subStream) : undefined;
    if (!using) return undefined;
    const most = this.stream.aggregation(subStream);
    const clear = run.map(({ header }, n) =>
      join(
        this.#prefix(subStream, using.set, tee, n % most === most - 1 || n === run.length - 1),
        header,
      ),
    );
    const units: IdeUnit[] = [];
    for (let at = 0; at < run.length; at += most) {
      units.push({
        iv: iv(subStream, using.key.invocation++),
        aad: whole(clear.slice(at, at + most)),
        text: whole(run.slice(at, at + most).map(({ data }) => data)),
      });
    }
    const bodies = this.#cipher.seal(using.key.key, units);
    return run.map(({ data }, n) => {
      const body = bodies[Math.floor(n / most)] as Uint8Array;
      const first = n - (n % most);
      const at = run.slice(first, n).reduce((sum, each) => sum + each.data.length, 0);
      const isLast = n % most === most - 1 || n === run.length - 1;
      return join(clear[n]!, body.subarray(at, isLast ? body.length : at + data.length));
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

  /** What may be believed now of TLPs that came one behind the other, all of this stream: nothing of a unit whose MAC is still to
   *  come. `failed`: a check failed behind what is opened; the caller then ends the stream and tells the partner. */
  open(tlps: readonly Protected[]): { opened: Opened[]; failed: boolean } {
    this.#renew();
    const opened: Opened[] = [];
    for (let at = 0; at < tlps.length; ) {
      const from = at;
      const { subStream, set } = tlps[from]!;
      while (at < tlps.length && tlps[at]!.subStream === subStream && tlps[at]!.set === set) at++;
      const units = this.#gather(tlps.slice(from, at), subStream);
      const good = this.#openUnits(units.whole, subStream, set);
      opened.push(...good);
      const all = units.whole.reduce((sum, unit) => sum + unit.length, 0);
      if (units.failed || good.length < all) return { opened, failed: true };
    }
    return { opened, failed: false };
  }

  /** The units that end in these TLPs; what does not is kept. */
  #gather(
    tlps: readonly Protected[],
    subStream: number,
  ): { whole: Protected[][]; failed: boolean } {
    const units: Protected[][] = [];
    for (const tlp of tlps) {
      const unit = this.#pending[subStream]!;
      const [first = tlp] = unit;
      const isWrong =
        (!tlp.tee && this.stream.isTeeLimited) ||
        !this.#counts(tlp) ||
        first.set !== tlp.set ||
        first.tee !== tlp.tee;
      if (isWrong) return { whole: units, failed: true };
      unit.push(tlp);
      if (tlp.mac) {
        units.push(unit);
        this.#pending[subStream] = [];
      } else if (unit.length >= MOST_AGGREGATED) return { whole: units, failed: true };
    }
    return { whole: units, failed: false };
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

  /** Those up to the first whose MAC is wrong. */
  #openUnits(units: readonly Protected[][], subStream: number, set: 0 | 1): Opened[] {
    const key = this.stream.receiveKey(subStream, set);
    if (!key || units.length === 0) return [];
    const texts = this.#cipher.open(
      key.key,
      units.map((unit) => unitOf(unit, subStream, key)),
    );
    if (texts.length > 0) this.stream.received(subStream, set);
    return texts.flatMap((text, n) => {
      let at = 0;
      return units[n]!.map(({ header, tee, data: { length } }) => {
        at += length;
        return { header, data: text.subarray(at - length, at), tee };
      });
    });
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

/** One array of several, without a copy where there is one. */
const whole = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.length === 1 ? parts[0]! : join(...parts);

const unitOf = (unit: readonly Protected[], subStream: number, key: StreamKey): IdeUnit => ({
  iv: iv(subStream, key.invocation++),
  aad: whole(unit.map(({ clear }) => clear)),
  text: whole(unit.map(({ data }) => data)),
  mac: unit.at(-1)!.mac!,
});
