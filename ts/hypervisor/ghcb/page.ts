// A GHCB as the hypervisor has it: its own copy of the guest's page, and what it answers in it. KVM sev_es_sync_from_ghcb.
import * as Layout from "../../abi/ghcb.ts";
import * as Vmcb from "../../abi/vmcb.ts";
import type { HostPort } from "../../port.ts";
import type { Outcome } from "../exits.ts";

// What an answer changes lies together: RAX to the bitmap.
const REPLY = Layout.RAX;
const REPLY_END = Layout.VALID_BITMAP + 16;

export class GhcbPage {
  /** The whole page. What the guest changes after `load` is not seen. */
  readonly bytes: Uint8Array = new Uint8Array(Layout.SIZE);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #reply = this.bytes.subarray(REPLY, REPLY_END);
  readonly #bitmap = this.bytes.subarray(Layout.VALID_BITMAP, REPLY_END);
  /** The guest's bitmap, which the answer overwrites, as it does SW_EXITINFO1 and SW_EXITINFO2. */
  readonly #asked = new Uint8Array(16);
  #info1 = 0n;
  #info2 = 0n;

  /** Copies the page in. False: no memory there. */
  load(host: HostPort, spa: bigint): boolean {
    if (!host.read(spa, this.bytes)) return false;
    this.#asked.set(this.#bitmap);
    this.#bitmap.fill(0);
    this.#info1 = this.get(Layout.SW_EXITINFO1);
    this.#info2 = this.get(Layout.SW_EXITINFO2);
    return true;
  }

  /** Writes the answer back. False: the page is not the hypervisor's to write. */
  store(host: HostPort, spa: bigint): boolean {
    return host.write(spa + BigInt(REPLY), this.#reply);
  }

  /** Whether the guest said that a field is valid. */
  isValid(field: number): boolean {
    return ((this.#asked[field >> 6] as number) & (1 << ((field >> 3) & 7))) !== 0;
  }

  /** A field that the guest gave, 0 when it is not valid. */
  get(field: number): bigint {
    return this.isValid(field) ? this.#view.getBigUint64(field, true) : 0n;
  }

  /** Its lower half. */
  low(field: number): number {
    return this.isValid(field) ? this.#view.getUint32(field, true) : 0;
  }

  /** SW_EXITCODE, or undefined for one that no event has. */
  get code(): number | undefined {
    if (!this.isValid(Layout.SW_EXITCODE)) return 0;
    if (this.#view.getUint32(Layout.SW_EXITCODE + 4, true) !== 0) return undefined;
    return this.#view.getUint32(Layout.SW_EXITCODE, true);
  }

  /** SW_EXITINFO1 as the guest gave it. */
  get info1(): bigint {
    return this.#info1;
  }

  get info2(): bigint {
    return this.#info2;
  }

  get cpl(): number {
    return this.isValid(Layout.CPL) ? (this.bytes[Layout.CPL] as number) : 0;
  }

  get usage(): number {
    return this.#view.getUint32(Layout.GHCB_USAGE, true);
  }

  get version(): number {
    return this.#view.getUint16(Layout.PROTOCOL_VERSION, true);
  }

  /** Answers a field. */
  set(field: number, value: bigint): void {
    this.#view.setBigUint64(field, value, true);
    this.#answer(field);
  }

  /** Answers a field whose upper half is zero. */
  setLow(field: number, value: number): void {
    this.#view.setUint32(field, value, true);
    this.#view.setUint32(field + 4, 0, true);
    this.#answer(field);
  }

  #answer(field: number): void {
    const at = field >> 6;
    this.#bitmap[at] = (this.#bitmap[at] as number) | (1 << ((field >> 3) & 7));
  }

  /** What the guest gave in a field goes back to it: KVM returns RAX to RDX whatever the event. */
  echo(field: number): void {
    if (!this.isValid(field)) return this.set(field, 0n);
    this.#answer(field);
  }

  /** SW_EXITINFO1 and SW_EXITINFO2. */
  answer(info1: bigint, info2: bigint): void {
    this.set(Layout.SW_EXITINFO1, info1);
    this.set(Layout.SW_EXITINFO2, info2);
  }
}

/** Malformed input: 2, and why. */
export function refuse(page: GhcbPage, why: number): Outcome {
  page.answer(BigInt(Layout.MALFORMED), BigInt(why));
  return "runs";
}

const EVENT = 2 ** Vmcb.EVENT_VALID_BIT + Vmcb.EVENT_EXCEPTION * 2 ** Vmcb.EVENT_TYPE_LSB;

/** The guest is to take an exception in place of the answer. KVM svm_vmgexit_inject_exception. */
export function except(page: GhcbPage, vector: number): Outcome {
  page.answer(BigInt(Layout.EXCEPTION), BigInt(EVENT + vector));
  return "runs";
}
