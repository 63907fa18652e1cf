// A root port's half of IDE as the secure processor has it: keys come by no configuration register. See ts/tio-port.ts.
import * as IdeKm from "../abi/ide-km.ts";
import type { Direction, IdeKey, RootPortIde } from "../tio-port.ts";
import type { PcieFunction } from "./function.ts";
import type { IdeStream } from "./ide.ts";

const KEY_BYTES = 32;
const SUB_STREAMS = [IdeKm.SUB_STREAM_PR, IdeKm.SUB_STREAM_NPR, IdeKm.SUB_STREAM_CPL];
const DIRECTIONS: Direction[] = ["rx", "tx"];

const keySubStream = (subStream: number, direction: Direction, keySet: 0 | 1): number =>
  (subStream << IdeKm.SUB_STREAM_LSB) |
  (direction === "tx" ? 1 << IdeKm.DIRECTION_TX_BIT : 0) |
  (keySet << IdeKm.KEY_SET_BIT);

export function rootPortIde(port: PcieFunction): RootPortIde {
  const streamOf = (id: number): IdeStream | undefined =>
    port.streams.find((each) => each.isConfigured && each.id === id);
  return {
    programKey({ streamId, keySet, direction, subStream, key, invocation }: IdeKey) {
      const stream = streamOf(streamId);
      if (!stream || key.length !== KEY_BYTES) return false;
      const lane = keySubStream(subStream, direction, keySet);
      return stream.program(lane, key.slice(), invocation, undefined);
    },
    go(streamId, keySet, direction) {
      const stream = streamOf(streamId);
      const lanes = SUB_STREAMS.map((sub) => keySubStream(sub, direction, keySet));
      if (!stream || !lanes.every((lane) => stream.hasKey(lane))) return false;
      for (const lane of lanes) stream.go(lane);
      return true;
    },
    stop(streamId) {
      const stream = streamOf(streamId);
      for (const direction of DIRECTIONS)
        for (const sub of SUB_STREAMS)
          for (const set of [0, 1] as const) stream?.stop(keySubStream(sub, direction, set));
    },
    isSecure: (streamId) => streamOf(streamId)?.isSecure ?? false,
  };
}
