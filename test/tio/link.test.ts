// A link under IDE: what goes over the wires, what whoever sits on them sees, and that nothing he does gets in. PCIe 6.33.
import { createDecipheriv } from "node:crypto";
import type { Interposer } from "../../dist/pcie/link.js";
import { hex } from "../../dist/spdm/octets.js";
import * as Selective from "../../ts/abi/ide-selective.ts";
import { pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { BAR, programRoot, RID, type Wire, wire } from "./wire.ts";

const test = suite("a link under IDE");

/** Everything that goes over the wires. */
function tapped(made: Wire): { way: string; octets: Uint8Array }[] {
  const seen: { way: string; octets: Uint8Array }[] = [];
  made.root.link.interposer = (way, octets) => {
    seen.push({ way, octets: octets.slice() });
    return [octets];
  };
  return seen;
}

const insecure = ({ device, root }: Wire) => {
  assert.is(root.own!.streams[0]!.isSecure, false, "the root port's stream is Insecure");
  assert.is(device.functions[0]!.streams[0]!.isSecure, false, "the device's stream is Insecure");
  assert.is(device.functions[0]!.streams[0]!.hasKeys, false, "its keys are gone");
  assert.is(device.states()[0]!.state, "ERROR");
};

// sizes and places: inside a DW, over DWs, payloads, read requests and pages
// biome-ignore format: a table
const TRANSFERS: [at: number, bytes: number][] = [
  [0, 1], [3, 1], [1, 2], [2, 3], [5, 8], [0, 4], [0, 256], [250, 12], [0, 512], [511, 2],
  [0, 4096], [4095, 2], [1, 4094], [100, 9000], [0, 0x10000],
];

for (const aggregation of [0, 1, 2, 3]) {
  test(`a device reads and writes memory of any size, ${2 ** aggregation} TLPs to a MAC`, () => {
    const made = wire({ aggregation });
    for (const [at, bytes] of TRANSFERS) {
      const data = pattern(bytes, at + bytes);
      made.memory.fill(0);
      assert.is(made.dma.write(BigInt(at), data), "done");
      const expected = new Uint8Array(made.memory.length);
      expected.set(data, at);
      assert.ok(
        made.memory.every((byte, i) => byte === expected[i]),
        `${bytes} bytes at ${at}`,
      );
      const into = new Uint8Array(bytes);
      assert.is(made.dma.read(BigInt(at), into), "done");
      assert.is(hex(into), hex(data));
    }
    assert.ok(
      made.requests.every(({ rid, tee, streamId }) => rid === RID && tee && streamId === 3),
    );
  });
}

test("aggregation sends fewer MACs and the same data", () => {
  const bytes = [0, 3].map((aggregation) => {
    const made = wire({ aggregation });
    const { counters } = made.root.link;
    const before = counters.bytes;
    made.dma.write(0n, pattern(4096, 1));
    return counters.bytes - before;
  });
  // 16 TLPs of 256 bytes: prefix 4, header 12; a MAC of 12 for each, or for eight.
  assert.equal(bytes, [16 * (4 + 12 + 256 + 12), 16 * (4 + 12 + 256) + 2 * 12]);
});

test("whoever sits on the wires sees ciphertext, and the same data twice never looks the same", () => {
  const made = wire();
  const seen = tapped(made);
  const secret = pattern(64, 9);
  made.memory.set(secret, 0x100);
  for (let n = 0; n < 2; n++) {
    made.dma.write(0n, secret);
    made.dma.read(0x100n, new Uint8Array(64));
  }
  const texts = seen.map(({ octets }) => hex(octets));
  assert.is(texts.length, 6);
  assert.ok(texts.every((text) => !text.includes(hex(secret.subarray(0, 8)))));
  assert.is(new Set(texts).size, texts.length);
});

test("the octets are AES-256-GCM under the key the TSM programmed, as OpenSSL has it", () => {
  const made = wire();
  const seen = tapped(made);
  made.memory.set(pattern(16, 3), 0x40);
  made.dma.read(0x40n, new Uint8Array(16));
  // The completion: prefix 4, header 12, data 16, MAC 12; the device receives it under its CPL key.
  const { octets } = seen[1]!;
  assert.is(octets.length, 44);
  const key = made.connected.keys.get(0x20)!;
  const gcm = createDecipheriv("aes-256-gcm", key, Buffer.from("200000000000000000000001", "hex"), {
    authTagLength: 12,
  });
  gcm.setAAD(octets.subarray(0, 16)).setAuthTag(octets.subarray(32));
  const plain = gcm.update(octets.subarray(16, 32), undefined, "hex") + gcm.final("hex");
  assert.is(plain, hex(pattern(16, 3)));
});

test("a register behind the interface takes what comes with the T bit over its stream, and nothing else", () => {
  const made = wire();
  const { root, registers } = made;
  assert.is(root.store(BAR + 0x20n, pattern(8, 1), 3), "done");
  assert.is(hex(registers.subarray(0x20, 0x28)), hex(pattern(8, 1)));
  const into = new Uint8Array(8);
  assert.is(root.load(BAR + 0x20n, into, 3), "done");
  assert.is(hex(into), hex(pattern(8, 1)));
  assert.is(root.load(BAR + 0x20n, into), "refused", "without the T bit");
  assert.is(hex(into), "ff".repeat(8));
  assert.is(root.store(BAR + 0x20n, pattern(8, 2)), "done", "posted: nobody is told");
  assert.is(hex(registers.subarray(0x20, 0x28)), hex(pattern(8, 1)), "and nothing is changed");
  assert.is(root.load(BAR + 0x20n, into, 4), "no stream");
  assert.is(root.load(BAR - 8n, into, 3), "refused", "nobody's address");
});

const altered = (at: (octets: Uint8Array) => number): Interposer => {
  let done = false;
  return (_, octets) => {
    if (done) return [octets];
    done = true;
    const copy = octets.slice();
    copy[at(copy)]! ^= 1;
    return [copy];
  };
};
const once = (act: (octets: Uint8Array) => Uint8Array[]): Interposer => {
  let done = false;
  return (_, octets) => {
    if (done) return [octets];
    done = true;
    return act(octets);
  };
};
/** Holds the first back until the second has gone. */
const swapped = (): Interposer => {
  let held: Uint8Array | undefined;
  let done = false;
  return (_, octets) => {
    if (done) return [octets];
    if (!held) {
      held = octets.slice();
      return [];
    }
    done = true;
    return [octets, held];
  };
};

// biome-ignore format: a table
const ACTS: [what: string, interposer: () => Interposer][] = [
  ["an altered payload",                () => altered((octets) => octets.length - 20)],
  ["an altered address",                () => altered(() => 4 + 9)],
  ["an altered requester ID",           () => altered(() => 4 + 5)],
  ["an altered MAC",                    () => altered((octets) => octets.length - 1)],
  ["the T bit taken away",              () => once((octets) => { const copy = octets.slice(); copy[1]! &= ~0x10; return [copy]; })],
  ["another key set claimed",           () => once((octets) => { const copy = octets.slice(); copy[1]! ^= 0x20; return [copy]; })],
  ["another sub-stream claimed",        () => once((octets) => { const copy = octets.slice(); copy[1]! ^= 1; return [copy]; })],
  ["a TLP cut short",                   () => once((octets) => [octets.slice(0, 40)])],
  ["a TLP with more behind it",         () => once((octets) => [Uint8Array.from([...octets, 0, 0, 0, 0])])],
  ["a TLP repeated at once",            () => once((octets) => [octets, octets])],
  ["a TLP dropped",                     () => once(() => [])],
  ["two TLPs in the other order",       () => swapped()],
  ["a TLP made up",                     () => once((octets) => [octets.map((byte, i) => (i < 16 ? byte : 0x41)), octets])],
];

for (const [what, interposer] of ACTS) {
  for (const aggregation of [0, 2]) {
    test(`${what} makes both ends Insecure before a wrong byte is believed (${2 ** aggregation} TLPs to a MAC)`, () => {
      const made = wire({ aggregation });
      const data = pattern(2048, 5);
      made.root.link.interposer = interposer();
      made.dma.write(0x1000n, data);
      // What a dropped or held TLP did shows at the latest in the next.
      const second = made.dma.write(0x3000n, data);
      made.dma.read(0x1000n, new Uint8Array(4));
      insecure(made);
      for (let i = 0; i < 2048; i++) {
        const byte = made.memory[0x1000 + i]!;
        assert.ok(byte === 0 || byte === data[i], "only what the device sent, or nothing");
      }
      assert.ok(second === "no stream" || made.memory[0x3000 + 2047] === 0);
      assert.is(made.dma.write(0n, data), "refused", "an interface in ERROR makes no requests");
      made.root.link.interposer = undefined;
      assert.is(made.root.load(BAR, new Uint8Array(4), 3), "no stream");
    });
  }
}

test("a TLP of an hour ago is refused, and so is one of another sub-stream's time", () => {
  const made = wire();
  const seen = tapped(made);
  made.dma.write(0x100n, pattern(16, 1));
  made.dma.write(0x100n, pattern(16, 2));
  made.root.link.inject("up", seen[0]!.octets);
  assert.is(hex(made.memory.subarray(0x100, 0x110)), hex(pattern(16, 2)));
  insecure(made);
});

test("a posted request that is missing shows in the next TLP of any sub-stream", () => {
  const made = wire();
  made.memory.set(pattern(16, 1), 0x100);
  made.root.link.interposer = once(() => []);
  made.dma.write(0x100n, pattern(16, 2));
  const into = new Uint8Array(16);
  assert.is(made.dma.read(0x100n, into), "timeout");
  assert.is(hex(into), "00".repeat(16), "what stands there is older than the device's own write");
  insecure(made);
});

test("a TEE-Limited stream takes no TLP without the T bit, sealed as it may be", () => {
  const made = wire();
  const stream = made.root.own!.streams[0]!;
  const plain = { tee: false, stream };
  assert.is(made.root.end!.write(8, BAR, pattern(4, 1), plain), "done");
  assert.is(hex(made.registers.subarray(0, 4)), "00000000");
  insecure(made);
});

test("a completion that nobody asked for, unprotected or late, gives the device nothing", () => {
  const made = wire();
  made.memory.set(pattern(16, 1), 0x100);
  // The interposer answers the read himself, in the clear, before the root port can.
  const forged = Uint8Array.from([0x4a, 0, 0, 4, 0, 8, 0, 16, 1, 0, 1, 0, ...pattern(16, 7)]);
  made.root.link.interposer = (way, octets) => {
    if (way === "up") made.root.link.inject("down", forged);
    return [octets];
  };
  const into = new Uint8Array(16);
  assert.is(made.dma.read(0x100n, into), "done");
  assert.is(hex(into), hex(pattern(16, 1)), "the root port's answer, not his");
});

test("a request in the clear carries no T bit, whatever it says", () => {
  const made = wire();
  const write = Uint8Array.from([0x40, 0, 0, 1, 1, 0, 0, 0xf, 0, 0, 1, 0, 1, 2, 3, 4]);
  made.root.link.inject("up", write);
  assert.equal(made.requests, [{ rid: RID, tee: false, streamId: undefined, rootPortId: 1 }]);
});

test("a forged IDE Fail message stops the stream, and no more", () => {
  const made = wire();
  const message = new Uint8Array(16);
  message.set([0x34, 0, 0, 0, 0, 8, 0, 0x54, 3]);
  made.root.link.inject("down", message);
  assert.is(made.device.states()[0]!.state, "ERROR");
  const status = made.device.functions[0]!.streamBase(0) + Selective.STATUS;
  assert.is(made.root.read(RID, status, 4) >>> Selective.FAIL_RECEIVED_BIT, 1);
});

test("the partner of a failed check is told, and says so in its status until software clears it", () => {
  const made = wire();
  made.root.link.interposer = altered((octets) => octets.length - 1);
  made.dma.write(0n, pattern(4, 1));
  const at = made.device.functions[0]!.streamBase(0) + Selective.STATUS;
  assert.is(made.root.read(RID, at, 4), 2 ** Selective.FAIL_RECEIVED_BIT);
  made.root.write(RID, at, 2 ** Selective.FAIL_RECEIVED_BIT, 4);
  assert.is(made.root.read(RID, at, 4), 0);
  assert.is(made.root.read(8, made.root.own!.streamBase(0) + Selective.STATUS, 4), 0);
});

test("keys are refreshed under traffic: receivers first, and the old set is void once the new one is used", () => {
  const made = wire({ aggregation: 1 });
  const seen = tapped(made);
  const stream = { ...made.connected.stream, keySet: 1 as const };
  made.dma.write(0n, pattern(16, 1));
  const keys = made.run(made.connected.ide.start(stream));
  assert.ok(programRoot(made.root.own!, stream, keys));
  made.dma.write(0n, pattern(16, 2));
  made.dma.read(0n, new Uint8Array(16));
  assert.is(made.root.store(BAR, pattern(4, 3), 3), "done");
  assert.is(made.device.states()[0]!.state, "RUN");
  assert.equal(
    seen.map(({ octets }) => (octets[1]! >> 5) & 1),
    [0, 1, 1, 1, 1],
    "the K bit",
  );
  // An old TLP says K0: that set is no more.
  made.root.link.inject("up", seen[0]!.octets);
  insecure(made);
});

test("under Link IDE everything of the link is protected, with the T bit and without", () => {
  const made = wire({ run: false });
  const [port] = made.device.functions;
  for (const each of [port!, made.root.own!]) {
    each.config.write(each.linkStreamBase(0), 9 * 2 ** Selective.STREAM_ID_LSB, 4);
  }
  const stream = { streamId: 9, portIndex: 0 };
  assert.ok(programRoot(made.root.own!, stream, made.run(made.connected.ide.start(stream))));
  for (const each of [port!, made.root.own!]) {
    each.config.write(each.linkStreamBase(0), 9 * 2 ** Selective.STREAM_ID_LSB + 1, 4);
    assert.is(each.streams.at(-1)!.isSecure, true);
  }
  const seen = tapped(made);
  assert.is(made.dma.write(0x200n, pattern(32, 4)), "done");
  const into = new Uint8Array(32);
  assert.is(made.dma.read(0x200n, into), "done");
  assert.is(hex(into), hex(pattern(32, 4)));
  assert.ok(seen.every(({ octets }) => octets[0] === 0x92 && octets[2] === 9));
  assert.ok(made.requests.every(({ tee }) => !tee));
  // Whoever puts one in the clear is not heard.
  const before = made.requests.length;
  made.root.link.inject(
    "up",
    Uint8Array.from([0x40, 0, 0, 1, 1, 0, 0, 0xf, 0, 0, 1, 0, 1, 2, 3, 4]),
  );
  assert.is(made.requests.length, before);
  made.root.link.interposer = altered((octets) => octets.length - 1);
  made.dma.write(0x200n, pattern(32, 5));
  assert.is(hex(made.memory.subarray(0x200, 0x220)), hex(pattern(32, 4)));
  assert.is(port!.streams.at(-1)!.isSecure, false);
});
