// An IDE stream of one port: its register block, its keys and whether it is Secure. PCIe 6.33 and 7.9.26.
import * as IdeKm from "../abi/ide-km.ts";
import * as LinkBlock from "../abi/ide-link-stream.ts";
import * as Selective from "../abi/ide-selective.ts";
import { bit, field, putU32, u32 } from "../spdm/octets.ts";
import type { ConfigSpace } from "./config.ts";

export interface StreamKey {
  /** In the order a cipher takes it; PCIe sends it by DWs, last octet of each first. */
  key: Uint8Array;
  /** The next invocation value of the iv. */
  invocation: bigint;
  /** The SPDM session that programmed it; a root port's come from no session. */
  sessionId: number | undefined;
}

// Three sub-streams in two directions; each has its keys in set 0 or 1.
const SUB_STREAMS = [IdeKm.SUB_STREAM_PR, IdeKm.SUB_STREAM_NPR, IdeKm.SUB_STREAM_CPL];
const LANES: number[] = SUB_STREAMS.flatMap((sub) => [laneOf(sub, false), laneOf(sub, true)]);
const AGGREGATION_LSB = [
  Selective.AGGREGATION_PR_LSB,
  Selective.AGGREGATION_NPR_LSB,
  Selective.AGGREGATION_CPL_LSB,
];

function laneOf(subStream: number, transmit: boolean): number {
  return (subStream << IdeKm.SUB_STREAM_LSB) | (transmit ? 1 << IdeKm.DIRECTION_TX_BIT : 0);
}

const SET = 1 << IdeKm.KEY_SET_BIT;
const STATE_MASK = 2 ** Selective.STATE_WIDTH - 1;
const isTransmit = (lane: number) => bit(lane, IdeKm.DIRECTION_TX_BIT);

/** Where a stream's registers are: Link and Selective streams have the same CONTROL and STATUS at different places. */
interface Block {
  control: number;
  status: number;
  rid1?: number;
  rid2?: number;
  end: number;
}

function blockAt(base: number, isLink: boolean): Block {
  if (isLink)
    return {
      control: base + LinkBlock.CONTROL,
      status: base + LinkBlock.STATUS,
      end: base + LinkBlock.SIZE,
    };
  return {
    control: base + Selective.CONTROL,
    status: base + Selective.STATUS,
    rid1: base + Selective.RID1,
    rid2: base + Selective.RID2,
    end: base + Selective.SIZE,
  };
}

export class IdeStream {
  readonly #config: ConfigSpace;
  readonly #block: Block;
  readonly #keys: Map<number, StreamKey> = new Map();
  /** Lane to the key set in use. */
  readonly #active: Map<number, number> = new Map();
  /** Receivers that take the other key set too, until it is used for the first time. */
  readonly #armed: Set<number> = new Set();
  /** How often it has left Secure: counters of one Secure time mean nothing in the next. */
  epoch = 0;
  /** Called when the stream leaves Secure, or loses a key. */
  onInsecure: () => void = () => {};

  constructor(config: ConfigSpace, base: number, isLink = false) {
    this.#config = config;
    this.#block = blockAt(base, isLink);
    config.watch((offset) => {
      if (offset >= base && offset < this.#block.end) this.#settle();
    });
  }

  get #control(): number {
    return u32(this.#config.octets, this.#block.control);
  }

  /** Whether it protects a whole link instead of the traffic of two partners. */
  get isLink(): boolean {
    return this.#block.rid2 === undefined;
  }

  get id(): number {
    // The register's last octet: every TLP asks.
    return this.#config.octets[this.#block.control + Selective.STREAM_ID_LSB / 8]!;
  }

  get isDefault(): boolean {
    return bit(this.#control, Selective.DEFAULT_STREAM_BIT);
  }

  /** Only requests with the T bit, and what answers them, use the stream. */
  get isTeeLimited(): boolean {
    return !this.isLink && bit(this.#control, Selective.TEE_LIMITED_BIT);
  }

  get trafficClass(): number {
    return field(this.#control, Selective.TC_LSB, Selective.TC_WIDTH);
  }

  /** How many TLPs of a sub-stream one MAC may speak for, as this port sends them. */
  aggregation(subStream: number): number {
    const lsb = AGGREGATION_LSB[subStream]!;
    return 1 << field(this.#control, lsb, Selective.AGGREGATION_WIDTH);
  }

  /** Software has given this block a RID range: its Stream ID counts. A Link stream has no range. */
  get isConfigured(): boolean {
    const { rid2 } = this.#block;
    return rid2 === undefined || bit(this.#config.octets[rid2]!, Selective.RID_VALID_BIT);
  }

  /** Whether a Requester ID is the partner's, or one of those behind it. */
  covers(rid: number): boolean {
    const { rid1, rid2 } = this.#block;
    if (rid1 === undefined || rid2 === undefined) return true;
    const limit = field(
      u32(this.#config.octets, rid1),
      Selective.RID_LIMIT_LSB,
      Selective.RID_WIDTH,
    );
    const base = field(u32(this.#config.octets, rid2), Selective.RID_BASE_LSB, Selective.RID_WIDTH);
    return this.isConfigured && rid >= base && rid <= limit;
  }

  get isEnabled(): boolean {
    return bit(this.#control, Selective.ENABLE_BIT);
  }

  get isSecure(): boolean {
    const status = this.#config.octets[this.#block.status]!;
    return (status & STATE_MASK) === Selective.SECURE;
  }

  /** Every lane has a key, and this session programmed it. */
  isKeyedBy(sessionId: number): boolean {
    const by = (key: StreamKey | undefined) => key?.sessionId === sessionId;
    return LANES.every((lane) => by(this.#keys.get(lane)) || by(this.#keys.get(lane | SET)));
  }

  get hasKeys(): boolean {
    return this.#keys.size > 0;
  }

  hasKey(keySubStream: number): boolean {
    return this.#keys.has(keySubStream);
  }

  /** False when that key set is in use: a refresh programs the other one. */
  program(
    keySubStream: number,
    key: Uint8Array,
    ifv: bigint,
    sessionId: number | undefined,
  ): boolean {
    const lane = keySubStream & ~SET;
    if (this.#active.get(lane) === (keySubStream & SET) || this.#armed.has(lane)) return false;
    this.#keys.set(keySubStream, { key, invocation: ifv, sessionId });
    return true;
  }

  /** The set takes over its lane. A transmitter's other set is void at once; a receiver's when the first TLP of the new comes. */
  go(keySubStream: number): boolean {
    if (!this.#keys.has(keySubStream)) return false;
    const lane = keySubStream & ~SET;
    const used = this.#active.get(lane);
    if (used === (keySubStream & SET)) return true;
    if (used !== undefined && !isTransmit(lane)) {
      this.#armed.add(lane);
      return true;
    }
    this.#switchTo(keySubStream);
    this.#settle();
    return true;
  }

  stop(keySubStream: number): void {
    const lane = keySubStream & ~SET;
    if (!this.#keys.has(keySubStream)) return;
    // The set that a refresh is about to end: the new one takes over at once.
    const isOld = this.#active.get(lane) === (keySubStream & SET);
    if (isOld && this.#armed.has(lane)) {
      this.#switchTo(keySubStream ^ SET);
      return;
    }
    if (isOld) this.#active.delete(lane);
    this.#armed.delete(lane);
    this.#forget(keySubStream);
    this.#settle();
    this.onInsecure();
  }

  /** The key a sub-stream is sent under, and its set. */
  transmitKey(subStream: number): { key: StreamKey; set: 0 | 1 } | undefined {
    const lane = laneOf(subStream, true);
    const set = this.#active.get(lane);
    const key = set === undefined ? undefined : this.#keys.get(lane | set);
    return key && { key, set: set === 0 ? 0 : 1 };
  }

  /** The key for a TLP received with this K bit; undefined where that set is not in use. */
  receiveKey(subStream: number, set: 0 | 1): StreamKey | undefined {
    const lane = laneOf(subStream, false);
    if (this.#active.get(lane) === set || this.#armed.has(lane)) return this.#keys.get(lane | set);
    return undefined;
  }

  /** A TLP under this set was good: if the set was waiting to be used, the other one is void now. */
  received(subStream: number, set: 0 | 1): void {
    const lane = laneOf(subStream, false);
    if (this.#active.get(lane) !== set) this.#switchTo(lane | set);
  }

  /** Reset, a failed check, or the end of the session that keyed it: Insecure, keys cleared. */
  clear(): void {
    if (!this.hasKeys) return;
    this.#forgetAll();
    this.#settle();
    this.onInsecure();
  }

  clearIfKeyedBy(sessionId: number): void {
    if ([...this.#keys.values()].some((key) => key.sessionId === sessionId)) this.clear();
  }

  /** The partner says that a check of its failed. */
  failReceived(): void {
    const at = this.#block.status;
    const status = u32(this.#config.octets, at);
    putU32(this.#config.octets, at, (status | (2 ** Selective.FAIL_RECEIVED_BIT)) >>> 0);
    this.clear();
  }

  #switchTo(keySubStream: number): void {
    const lane = keySubStream & ~SET;
    this.#armed.delete(lane);
    this.#forget(keySubStream ^ SET);
    this.#active.set(lane, keySubStream & SET);
  }

  #forget(keySubStream: number): void {
    this.#keys.get(keySubStream)?.key.fill(0);
    this.#keys.delete(keySubStream);
  }

  #forgetAll(): void {
    for (const keySubStream of [...this.#keys.keys()]) this.#forget(keySubStream);
    this.#active.clear();
    this.#armed.clear();
  }

  #settle(): void {
    const was = this.isSecure;
    const secure = this.isEnabled && LANES.every((lane) => this.#active.has(lane));
    const at = this.#block.status;
    const rest = u32(this.#config.octets, at) & ~(2 ** Selective.STATE_WIDTH - 1);
    const state = secure ? Selective.SECURE : Selective.INSECURE;
    putU32(this.#config.octets, at, (rest | state) >>> 0);
    if (!was || secure) return;
    this.epoch++;
    // EN=0 is a reset of the stream: its keys go with it.
    if (!this.isEnabled) this.#forgetAll();
    this.onInsecure();
  }
}
