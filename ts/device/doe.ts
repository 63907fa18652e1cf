// What a data object that reached the device is answered with: discovery, SPDM, secured SPDM. PCIe 6.30.
import * as DataObject from "../abi/doe-object.ts";
import { dataObject, dataObjectOf } from "../spdm/data-object.ts";
import { le32, u32 } from "../spdm/octets.ts";
import type { Faults } from "./fault.ts";
import type { SpdmResponder } from "./spdm.ts";

const protocols = [DataObject.DISCOVERY, DataObject.CMA_SPDM, DataObject.SECURED_CMA_SPDM];
const NO_VENDOR = 0xffff;
const NO_TYPE = 0xff;
const FAULTY = 5;

export class DoeResponder {
  readonly #spdm: SpdmResponder;
  readonly #faults: Faults;
  #answers = 0;
  #previous: Uint8Array | undefined;

  constructor(spdm: SpdmResponder, faults: Faults) {
    this.#spdm = spdm;
    this.#faults = faults;
  }

  /** Undefined: discarded in silence, as everything unknown is. */
  exchange(object: Uint8Array): Uint8Array | undefined {
    const request = dataObjectOf(object);
    if (!request) return undefined;
    const { type, payload } = request;
    if (type === DataObject.DISCOVERY) return discovery(payload);
    if (type !== DataObject.CMA_SPDM && type !== DataObject.SECURED_CMA_SPDM) return undefined;
    const secured = type === DataObject.SECURED_CMA_SPDM;
    const answer = secured ? this.#spdm.secured(payload) : this.#spdm.clear(payload);
    return answer && this.#faulty(dataObject(type, answer));
  }

  /** The answer, unless a fault loses it or puts an older one in its place. */
  #faulty(answer: Uint8Array): Uint8Array | undefined {
    const previous = this.#previous ?? answer;
    this.#previous = answer;
    this.#answers++;
    if (this.#faults.has("dropped-message") && this.#answers % FAULTY === 0) return undefined;
    const late = this.#faults.has("reordered-message") && this.#answers >= FAULTY;
    return late ? previous : answer;
  }
}

function discovery(payload: Uint8Array): Uint8Array | undefined {
  if (payload.length < 4) return undefined;
  const index = u32(payload, 0) & 0xff;
  const type = protocols[index];
  const known = type !== undefined;
  const next = known && index + 1 < protocols.length ? index + 1 : 0;
  const vendor = known ? DataObject.PCI_SIG : NO_VENDOR;
  const word =
    vendor * 2 ** DataObject.DISCOVERED_VENDOR_LSB +
    (type ?? NO_TYPE) * 2 ** DataObject.DISCOVERED_TYPE_LSB +
    next * 2 ** DataObject.DISCOVERED_NEXT_LSB;
  return dataObject(DataObject.DISCOVERY, le32(word));
}
