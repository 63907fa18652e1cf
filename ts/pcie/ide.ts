// A selective IDE stream of one port: its register block, its keys and whether it is Secure. PCIe 6.33 and 7.9.26.
import * as IdeKm from "../abi/ide-km.ts";
import * as Selective from "../abi/ide-selective.ts";
import { bit, field, putU32, u32 } from "../spdm/octets.ts";
import type { ConfigSpace } from "./config.ts";

export interface StreamKey {
  /** In the order a cipher takes it; PCIe sends it by DWs, last octet of each first. */
  key: Uint8Array;
  /** The next invocation value of the iv. */
  invocation: bigint;
  /** The SPDM session that programmed it. */
  sessionId: number;
}

// Three sub-streams in two directions; each has its keys in set 0 or 1.
const SUB_STREAMS = [IdeKm.SUB_STREAM_PR, IdeKm.SUB_STREAM_NPR, IdeKm.SUB_STREAM_CPL];
const LANES: number[] = SUB_STREAMS.flatMap((sub) => [laneOf(sub, false), laneOf(sub, true)]);

function laneOf(subStream: number, transmit: boolean): number {
  return (subStream << IdeKm.SUB_STREAM_LSB) | (transmit ? 1 << IdeKm.DIRECTION_TX_BIT : 0);
}

const SET = 1 << IdeKm.KEY_SET_BIT;

export class IdeStream {
  readonly #config: ConfigSpace;
  readonly #base: number;
  readonly #keys: Map<number, StreamKey> = new Map();
  /** Lane to the key set in use. */
  readonly #active: Map<number, number> = new Map();
  /** Called when the stream leaves Secure, or loses a key. */
  onInsecure: () => void = () => {};

  constructor(config: ConfigSpace, base: number) {
    this.#config = config;
    this.#base = base;
    config.watch((offset) => {
      if (offset >= base && offset < base + Selective.SIZE) this.#settle();
    });
  }

  get #control(): number {
    return u32(this.#config.octets, this.#base + Selective.CONTROL);
  }

  get id(): number {
    return field(this.#control, Selective.STREAM_ID_LSB, Selective.STREAM_ID_WIDTH);
  }

  get isDefault(): boolean {
    return bit(this.#control, Selective.DEFAULT_STREAM_BIT);
  }

  get trafficClass(): number {
    return field(this.#control, Selective.TC_LSB, Selective.TC_WIDTH);
  }

  /** Software has given this block a RID range: its Stream ID counts. */
  get isConfigured(): boolean {
    const rid2 = u32(this.#config.octets, this.#base + Selective.RID2);
    return bit(rid2, Selective.RID_VALID_BIT);
  }

  get isEnabled(): boolean {
    return bit(this.#control, Selective.ENABLE_BIT);
  }

  get isSecure(): boolean {
    const status = u32(this.#config.octets, this.#base + Selective.STATUS);
    return field(status, 0, Selective.STATE_WIDTH) === Selective.SECURE;
  }

  /** Every lane has a key, and this session programmed it. */
  isKeyedBy(sessionId: number): boolean {
    const by = (key: StreamKey | undefined) => key?.sessionId === sessionId;
    return LANES.every((lane) => by(this.#keys.get(lane)) || by(this.#keys.get(lane | SET)));
  }

  get hasKeys(): boolean {
    return this.#keys.size > 0;
  }

  /** False when that key set is in use: a refresh programs the other one. */
  program(keySubStream: number, key: Uint8Array, ifv: bigint, sessionId: number): boolean {
    const lane = keySubStream & ~SET;
    if (this.#active.get(lane) === (keySubStream & SET)) return false;
    this.#keys.set(keySubStream, { key, invocation: ifv, sessionId });
    return true;
  }

  /** The set takes over its lane; the other set is void from now on. */
  go(keySubStream: number): boolean {
    if (!this.#keys.has(keySubStream)) return false;
    const lane = keySubStream & ~SET;
    this.#forget(keySubStream ^ SET);
    this.#active.set(lane, keySubStream & SET);
    this.#settle();
    return true;
  }

  stop(keySubStream: number): void {
    const lane = keySubStream & ~SET;
    if (!this.#keys.has(keySubStream)) return;
    if (this.#active.get(lane) === (keySubStream & SET)) this.#active.delete(lane);
    this.#forget(keySubStream);
    this.#settle();
    this.onInsecure();
  }

  /** The key in use for a sub-stream and direction. */
  keyOf(subStream: number, transmit: boolean): StreamKey | undefined {
    const lane = laneOf(subStream, transmit);
    const set = this.#active.get(lane);
    return set === undefined ? undefined : this.#keys.get(lane | set);
  }

  /** Reset, a failed check, or the end of the session that keyed it: Insecure, keys cleared. */
  clear(): void {
    if (!this.hasKeys) return;
    for (const keySubStream of [...this.#keys.keys()]) this.#forget(keySubStream);
    this.#active.clear();
    this.#settle();
    this.onInsecure();
  }

  clearIfKeyedBy(sessionId: number): void {
    if ([...this.#keys.values()].some((key) => key.sessionId === sessionId)) this.clear();
  }

  /** A received MAC was wrong: the partner is told, the stream is Insecure. */
  fail(): void {
    const at = this.#base + Selective.STATUS;
    const status = u32(this.#config.octets, at);
    putU32(this.#config.octets, at, (status | (2 ** Selective.FAIL_RECEIVED_BIT)) >>> 0);
    this.clear();
  }

  #forget(keySubStream: number): void {
    this.#keys.get(keySubStream)?.key.fill(0);
    this.#keys.delete(keySubStream);
  }

  #settle(): void {
    const was = this.isSecure;
    const secure = this.isEnabled && LANES.every((lane) => this.#active.has(lane));
    const at = this.#base + Selective.STATUS;
    const rest = u32(this.#config.octets, at) & ~(2 ** Selective.STATE_WIDTH - 1);
    const state = secure ? Selective.SECURE : Selective.INSECURE;
    putU32(this.#config.octets, at, (rest | state) >>> 0);
    if (!was || secure) return;
    // EN=0 is a reset of the stream: its keys go with it.
    if (!this.isEnabled) {
      for (const keySubStream of [...this.#keys.keys()]) this.#forget(keySubStream);
      this.#active.clear();
    }
    this.onInsecure();
  }
}
