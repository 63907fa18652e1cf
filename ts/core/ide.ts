// The core's cipher for links: many short units at a time, under keys that stay in the core.
import * as Events from "../abi/events.ts";
import * as Unit from "../abi/ide-unit.ts";
import * as Memory from "../abi/memory.ts";
import type { IdeCipher, IdeUnit } from "../pcie/ide-cipher.ts";
import type { Silicon } from "./silicon.ts";

/** Units that the window holds. */
const MOST_UNITS = 28;

export function idePort({ exports, bytes, view }: Silicon): IdeCipher {
  /** Which place each key has, the one used longest ago first. */
  const places = new Map<Uint8Array, number>();
  const placeOf = (key: Uint8Array): number => {
    const found = places.get(key);
    if (found !== undefined) return found;
    const oldest = places.size < Unit.KEYS ? undefined : places.entries().next().value;
    const place = oldest ? oldest[1] : places.size;
    if (oldest) places.delete(oldest[0]);
    bytes.set(key, Memory.WINDOW);
    exports.ideKey(place, Memory.WINDOW);
    bytes.fill(0, Memory.WINDOW, Memory.WINDOW + key.length);
    places.set(key, place);
    return place;
  };
  const put = (at: number, { iv, aad, text, mac }: IdeUnit): void => {
    bytes.set(iv, at + Unit.IV);
    bytes.set(aad, at + Unit.AAD);
    bytes.set(text, at + Unit.TEXT);
    view.setUint32(at + Unit.AAD_BYTES, aad.length, true);
    view.setUint32(at + Unit.TEXT_BYTES, text.length, true);
    if (mac) bytes.set(mac, at + Unit.TAG);
  };
  const atOf = (n: number) => Memory.WINDOW + n * Unit.SIZE;
  const batches = function* (units: readonly IdeUnit[]): Generator<readonly IdeUnit[]> {
    for (let at = 0; at < units.length; at += MOST_UNITS) {
      const batch = units.slice(at, at + MOST_UNITS);
      batch.forEach((unit, n) => {
        put(atOf(n), unit);
      });
      yield batch;
    }
  };
  return {
    seal(key, units) {
      const place = placeOf(key);
      const sealed: Uint8Array[] = [];
      const data = units.reduce((sum, { text }) => sum + text.length, 0);
      exports.count(Events.IDE_UNITS, BigInt(units.length));
      exports.count(Events.IDE_BYTES, BigInt(data));
      for (const batch of batches(units)) {
        exports.ideSeal(place, batch.length);
        batch.forEach(({ text: { length } }, n) => {
          const at = atOf(n);
          const whole = new Uint8Array(length + Unit.MAC_BYTES);
          whole.set(bytes.subarray(at + Unit.TEXT, at + Unit.TEXT + length));
          whole.set(bytes.subarray(at + Unit.TAG, at + Unit.TAG + Unit.MAC_BYTES), length);
          sealed.push(whole);
        });
      }
      return sealed;
    },
    open(key, units) {
      const place = placeOf(key);
      const opened: Uint8Array[] = [];
      for (const batch of batches(units)) {
        const good = exports.ideOpen(place, batch.length);
        for (let n = 0; n < good; n++) {
          const at = atOf(n) + Unit.TEXT;
          opened.push(bytes.slice(at, at + (batch[n] as IdeUnit).text.length));
        }
        if (good < batch.length) break;
      }
      return opened;
    },
  };
}
