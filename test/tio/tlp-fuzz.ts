// Seeded mutations of what goes over a link, both ways, in the clear and under a stream. Run whole by `npm run fuzz`, in a smaller
// share by the tests.
import { TdispDevice } from "../../dist/device/device.js";
import { Endpoint } from "../../dist/device/endpoint.js";
import type { Tdi } from "../../dist/device/tdi.js";
import { createPlatform } from "../../dist/index.js";
import { PcieFunction } from "../../dist/pcie/function.js";
import type { IdeStream } from "../../dist/pcie/ide.js";
import type { Way } from "../../dist/pcie/link.js";
import { RootPort } from "../../dist/pcie/root-port.js";
import { seeded } from "../../dist/spdm/chance.js";
import { hex, join } from "../../dist/spdm/octets.js";
import * as Tdisp from "../../ts/abi/tdisp.ts";
import { Chance, MIB, withCore } from "../core.ts";
import { FuzzFailure } from "../device/fuzz.ts";
import { TOY } from "../device/toy.ts";

const RID = 0x100;
const BAR = 0x80_0000_0000n;
const BAR_BYTES = 0x1000;
const MEMORY = 0x4000;
const STREAM = 5;
const LANES = [0x00, 0x02, 0x10, 0x12, 0x20, 0x22];

/** A root port, a device with one interface, and what each holds that must stay where it is. */
class Target {
  readonly root: RootPort;
  readonly device: TdispDevice;
  readonly secret: Uint8Array;
  /** What came through with the T bit: the device's own requests, or a lie. */
  teeReads = 0;
  teeWrites = 0;
  stores = 0;
  readonly memory = new Uint8Array(MEMORY);
  readonly registers = new Uint8Array(BAR_BYTES);
  readonly #dma: ReturnType<Endpoint["dma"]>;
  readonly #tdi: Tdi;
  readonly #chance: Chance;
  keys: Uint8Array[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
    const cipher = createPlatform({ generation: "none", resident: 64 * MIB, ...withCore }).core.ide;
    this.secret = chance.bytes(64);
    this.memory.set(this.secret, 0x1000);
    this.registers.set(this.secret, 0x100);
    const inside = (at: bigint, bytes: number) => at + BigInt(bytes) <= BigInt(MEMORY);
    this.root = new RootPort({
      id: 8,
      number: 1,
      secondaryBus: 1,
      mmioBase: BAR,
      cipher,
      upstream: {
        read: ({ tee }, gpa, into) => {
          if (!tee || !inside(gpa, into.length)) return false;
          this.teeReads++;
          into.set(this.memory.subarray(Number(gpa), Number(gpa) + into.length));
          return true;
        },
        write: ({ tee }, gpa, from) => {
          if (!tee || !inside(gpa, from.length)) return false;
          this.teeWrites++;
          this.memory.set(from, Number(gpa));
          return true;
        },
      },
    });
    const ports = () => [
      new PcieFunction({
        functionId: RID,
        bars: [{ index: 0, bytes: BAR_BYTES }],
        linkStreams: 1,
        aggregation: true,
      }),
    ];
    const clock = { now: () => 0 };
    this.device = new TdispDevice({
      prng: seeded("tlp"),
      clock,
      ...TOY,
      rootPort: this.root,
      ports,
    });
    this.#tdi = this.device.tdisp.tdis.get(RID)!;
    const endpoint = new Endpoint({
      functions: this.device.functions,
      tdis: this.device.tdisp.tdis,
      link: this.root.link,
      cipher,
      registers: () => ({
        load: (_, offset, into) => into.set(this.registers.subarray(offset, offset + into.length)),
        store: (_, offset, from) => {
          this.stores++;
          this.registers.set(from, offset);
        },
        reset: () => {},
      }),
    });
    this.root.link.join(this.root.end!, endpoint.port);
    this.root.enumerate();
    this.root.setupStream(this.device.functions[0]!, { streamId: STREAM });
    this.root.setupStream(this.root.own!, { streamId: STREAM, teeLimited: false });
    this.#dma = endpoint.dma(this.#tdi);
  }

  get state(): number {
    return this.#tdi.state;
  }

  get streams(): [IdeStream, IdeStream] {
    return [this.root.own!.streams[0]!, this.device.functions[0]!.streams[0]!];
  }

  /** New keys at both ends, and the interface in RUN. */
  revive(): void {
    this.#tdi.stop();
    const [root, device] = this.streams;
    const aggregation = this.#chance.below(4) * 0b010101_00;
    for (const each of [root, device]) each.clear();
    this.keys = [];
    for (const lane of LANES) {
      const key = this.#chance.bytes(32);
      this.keys.push(key.slice());
      device.program(lane, key.slice(), 1n, 1);
      root.program(lane ^ 2, key.slice(), 1n, undefined);
      device.go(lane);
      root.go(lane ^ 2);
    }
    for (const port of [this.root.own!, this.device.functions[0]!]) {
      const at = port.streamBase(0) + 4;
      port.config.write(at, ((port.config.read(at, 4) & ~0xfc) | aggregation | 1) >>> 0, 4);
    }
    const lock = { flags: 0x15, stream: device, reportingOffset: 0n, sessionId: 1 };
    this.#tdi.enter(lock, new Uint8Array(32));
    this.#tdi.start();
  }

  /** The interface and a guest at work; each side's TLPs as they went. */
  work(): { way: Way; octets: Uint8Array }[] {
    const went: { way: Way; octets: Uint8Array }[] = [];
    this.root.link.interposer = (way, octets) => {
      went.push({ way, octets: octets.slice() });
      return [octets];
    };
    const chance = this.#chance;
    this.#dma.write(BigInt(chance.below(0x800)), chance.bytes(1 + chance.below(600)));
    this.#dma.read(0x1000n + BigInt(chance.below(64)), new Uint8Array(1 + chance.below(300)));
    this.root.load(BAR + BigInt(4 * chance.below(64)), new Uint8Array(8), STREAM);
    this.root.store(BAR + BigInt(0x400 + 4 * chance.below(64)), chance.bytes(4), STREAM);
    this.root.link.interposer = undefined;
    return went;
  }
}

/** No change at all is one, too: a TLP that went already. */
function mutate(octets: Uint8Array, chance: Chance): Uint8Array {
  let result: Uint8Array = octets.slice();
  for (let n = chance.below(4); n > 0; n--) {
    const at = chance.below(Math.max(result.length, 1));
    const kind = chance.below(7);
    if (kind === 0) result = result.slice(0, at);
    else if (kind === 1) result = join(result, result.subarray(at));
    else if (kind === 2)
      result = join(result.subarray(0, at), chance.bytes(4), result.subarray(at));
    else if (kind === 3) result = result.subarray(4);
    else if (kind === 4) result[at % 20] = chance.below(256);
    else if (result.length > 0) result[at]! ^= 1 << chance.below(8);
  }
  return result;
}

export function fuzzTlps(
  count: number,
  seed: bigint,
): { sent: number; revived: number; answered: number } {
  const chance = new Chance(seed);
  const target = new Target(chance);
  const told = { sent: 0, revived: 0, answered: 0 };
  let went: { way: Way; octets: Uint8Array }[] = [];
  while (told.sent < count) {
    const [root, device] = target.streams;
    if (!root.isSecure || !device.isSecure || chance.once(200)) {
      target.revive();
      told.revived++;
      went = target.work();
      if (target.state !== Tdisp.RUN)
        throw new FuzzFailure(`seed ${seed}: the link's own traffic failed`);
    }
    const { way, octets } = chance.pick(went);
    const back = chance.once(8) ? (way === "up" ? "down" : "up") : way;
    const sent = mutate(octets, chance);
    const seen: string[] = [];
    const before = [target.teeReads, target.teeWrites, target.stores];
    target.root.link.interposer = (_, answer) => {
      seen.push(hex(answer));
      return [answer];
    };
    const fail = (why: string) => {
      throw new FuzzFailure(`seed ${seed}, TLP ${told.sent}, ${back} ${hex(sent)}: ${why}`);
    };
    try {
      target.root.link.inject(back, sent);
    } catch (error) {
      fail((error as Error).stack ?? String(error));
    }
    target.root.link.interposer = undefined;
    told.sent++;
    told.answered += seen.length;
    const after = [target.teeReads, target.teeWrites, target.stores];
    if (after.some((each, n) => each !== before[n])) fail("a request of nobody's was served");
    const { state } = target;
    if (state !== Tdisp.RUN && state !== Tdisp.ERROR) fail(`RUN became ${state}`);
    const text = seen.join(" ");
    for (const kept of [target.secret, ...target.keys])
      if (text.includes(hex(kept.subarray(0, 16)))) fail(`secret ${hex(kept)} leaves`);
  }
  return told;
}

if (process.argv[1]?.endsWith("tlp-fuzz.ts")) {
  const count = Number(process.argv[2] ?? 200_000);
  const seed = BigInt(process.argv[3] ?? 1);
  const { revived, answered } = fuzzTlps(count, seed);
  console.log(
    `${count} mutated TLPs from seed ${seed}: ${revived} lives of the link, ${answered} answers`,
  );
}
