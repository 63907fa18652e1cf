// The host's side of DOE: discovery, one object sent and its answer taken, and the mailbox as Linux drives it. PCIe 6.30.
import * as Doe from "../abi/doe.ts";
import * as DataObject from "../abi/doe-object.ts";
import { findExtended } from "../pcie/config.ts";
import { dataObject, dataObjectOf } from "../spdm/data-object.ts";
import { type Exchange, PeerFault, type Transport } from "../spdm/exchange.ts";
import { bit, field, hexWord, join, le32, u32 } from "../spdm/octets.ts";

const MAX_PROTOCOLS = 255;
const DW = 4;

/** Sends one payload as an object of this type; answers the padded payload that came back. */
export function* send(type: number, payload: Uint8Array): Exchange<Uint8Array> {
  const object = yield dataObject(type, payload);
  if (!object) throw new PeerFault(`DOE type ${type}: no answer`);
  const answer = dataObjectOf(object);
  if (!answer)
    throw new PeerFault(`DOE type ${type}: answer of ${object.length} bytes is no object`);
  if (answer.type !== type) {
    throw new PeerFault(`DOE type ${type}: answer has type ${answer.type}, expected the same`);
  }
  return answer.payload;
}

/** The data object types a mailbox offers, in its order. */
export function* discover(): Exchange<number[]> {
  const types: number[] = [];
  let index = 0;
  for (let n = 0; n < MAX_PROTOCOLS; n++) {
    const payload = yield* send(DataObject.DISCOVERY, le32(index));
    if (payload.length < DW) throw new PeerFault("DOE discovery: answer shorter than 4 bytes");
    const word = u32(payload, 0);
    if (field(word, DataObject.DISCOVERED_VENDOR_LSB, 16) === DataObject.PCI_SIG) {
      types.push(field(word, DataObject.DISCOVERED_TYPE_LSB, 8));
    }
    index = field(word, DataObject.DISCOVERED_NEXT_LSB, 8);
    if (index === 0) return types;
  }
  throw new PeerFault(`DOE discovery: more than ${MAX_PROTOCOLS} entries`);
}

/** Configuration space of one function, as the host reaches it. */
export interface ConfigAccess {
  read(offset: number, bytes: 4): number;
  write(offset: number, value: number, bytes: 4): void;
}

/** Drives a mailbox by its registers; `wait` lets time pass between two looks at STATUS. */
export function mailboxTransport(config: ConfigAccess, wait: () => void, looks = 128): Transport {
  const base = findExtended((offset) => config.read(offset, 4), Doe.EXTENDED_CAPABILITY_ID);
  if (base === undefined) throw new PeerFault("configuration space: no DOE capability");
  const status = () => config.read(base + Doe.STATUS, 4);
  const until = (done: (word: number) => boolean): number => {
    let word = status();
    for (let n = 0; n < looks && !done(word); n++) {
      wait();
      word = status();
    }
    return word;
  };
  const abort = (): void => {
    config.write(base + Doe.CONTROL, 2 ** Doe.ABORT_BIT, 4);
    const word = until((each) => !bit(each, Doe.BUSY_BIT) && !bit(each, Doe.ERROR_BIT));
    if (bit(word, Doe.BUSY_BIT) || bit(word, Doe.ERROR_BIT)) {
      throw new PeerFault(
        `DOE status ${hexWord(word, 8)} after ABORT, expected neither BUSY nor ERROR`,
      );
    }
  };
  const drain = (): Uint8Array => {
    const words: Uint8Array[] = [];
    while (bit(status(), Doe.DATA_OBJECT_READY_BIT)) {
      words.push(le32(config.read(base + Doe.READ_DATA_MAILBOX, 4)));
      config.write(base + Doe.READ_DATA_MAILBOX, 0, 4);
    }
    return join(...words);
  };
  abort();
  return (object) => {
    if (bit(status(), Doe.BUSY_BIT) || bit(status(), Doe.ERROR_BIT)) abort();
    for (let at = 0; at < object.length; at += DW) {
      config.write(base + Doe.WRITE_DATA_MAILBOX, u32(object, at), 4);
    }
    config.write(base + Doe.CONTROL, 2 ** Doe.GO_BIT, 4);
    const ready = (word: number) => bit(word, Doe.DATA_OBJECT_READY_BIT);
    const word = until((each) => ready(each) || bit(each, Doe.ERROR_BIT));
    if (ready(word)) return drain();
    abort();
    return undefined;
  };
}
