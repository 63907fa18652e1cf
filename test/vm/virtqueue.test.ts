// A device behind bounce buffers: the same driver in every generation, and a device that sees shared memory only. Virtio 1.2, 2.7.
import { boot } from "../../dist/guest/boot.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { share } from "../../dist/guest/share.js";
import { Slots } from "../../dist/guest/slots.js";
import { sharedPages, Virtqueue } from "../../dist/guest/virtqueue.js";
import { VirtioDevice } from "../../dist/hypervisor/virtio.js";
import { type Generation, generations } from "../../dist/index.js";
import * as Layout from "../../ts/abi/virtq.ts";
import { pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { rig } from "./rig.ts";

const test = suite("a device behind bounce buffers");

const QUEUE = 0x40000n;
const POOL = 0x41000n;
const SLOTS = 8;
const PRIVATE = 0x80000n;
const REPLY = 0x90000n;
const KICK = 0x510;
const DEVICE = 3;
const SENT = pattern(6000, 5);

type Use = (cpu: Cpu, queue: Virtqueue) => Step;

/** A guest with a queue, and the device at its other end, which answers with the bytes turned round. */
function machine(generation: Generation, use: Use) {
  const seen: Uint8Array[] = [];
  const made = rig(generation, function* (cpu: Cpu): Step {
    const guest = yield* boot(cpu, { memory: 0x200000n, tables: 0x10000n, ghcb: 0x20000n });
    const kick = (inner: Cpu) => inner.out(KICK, 1, 0);
    const queue = new Virtqueue({ queue: QUEUE, pool: POOL, slots: SLOTS, kick });
    yield* share(cpu, guest, QUEUE, sharedPages({ slots: SLOTS }));
    yield* queue.open(cpu);
    yield* use(cpu, queue);
  });
  const { core } = made.platform;
  assert.ok(core.host.attach(DEVICE, made.vm.root));
  const device = new VirtioDevice(core.device, DEVICE, QUEUE, (request) => {
    seen.push(request.slice());
    return request.toReversed();
  });
  const kicks: boolean[] = [];
  made.vm.ports.attach(KICK, { read: () => 0, write: () => void kicks.push(device.kicked()) });
  return { ...made, seen, kicks };
}

for (const generation of generations) {
  test(`${generation}: what a guest sends arrives, and the reply comes back to private memory`, () => {
    const reply = new Uint8Array(SENT.length);
    const answers: (number | undefined)[] = [];
    const { vm, seen, platform } = machine(generation, function* (cpu, queue) {
      yield* cpu.write(PRIVATE, SENT);
      for (let i = 0; i < 70; i++) {
        const out = { gva: PRIVATE, bytes: SENT.length };
        answers.push(yield* queue.exchange(cpu, out, { gva: REPLY, bytes: SENT.length }));
      }
      assert.is(queue.free, SLOTS);
      yield* cpu.read(REPLY, reply);
    });
    assert.is(vm.run(), "sleeps");
    assert.equal(answers, new Array(70).fill(SENT.length));
    assert.equal(seen[69], SENT);
    assert.equal(reply, SENT.toReversed());
    // The device's own view of the private page, where there is a key.
    const { device } = platform.core;
    const bytes = new Uint8Array(16);
    if (device.read(DEVICE, PRIVATE, bytes)) {
      const plain = bytes.every((byte, i) => byte === SENT[i]);
      assert.is(plain, generation === "none" || generation === "sme");
    }
    const written = device.write(DEVICE, PRIVATE, new Uint8Array(16));
    assert.is(written, generation !== "sev-snp" && generation !== "sev-tio");
  });
}

test("a pool that is full refuses, and nothing of a refused transfer stays behind", () => {
  const { vm, seen } = machine("sev-snp", function* (cpu, queue) {
    const most = { gva: PRIVATE, bytes: 0x5000 };
    assert.is(yield* queue.exchange(cpu, most, most), undefined);
    assert.is(queue.free, SLOTS);
    assert.is(yield* queue.exchange(cpu, most, { gva: REPLY, bytes: 0x3000 }), 0x3000);
  });
  assert.is(vm.run(), "sleeps");
  assert.is(seen.length, 1);
});

// What a lying device writes into the used ring, and at which offset.
const lies: Record<string, [offset: number, value: number][]> = {
  "more than there is room for": [[Layout.USED_RING + 4, 0x2000]],
  "another chain than was offered": [[Layout.USED_RING, 7]],
  "two chains at once": [[Layout.USED_IDX, 2]],
};

for (const [what, words] of Object.entries(lies)) {
  test(`a device that says it used ${what} is not believed`, () => {
    let answer: number | undefined = 0;
    const made = machine("sev-snp", function* (cpu, queue) {
      const out = { gva: PRIVATE, bytes: 16 };
      answer = yield* queue.exchange(cpu, out, { gva: REPLY, bytes: 0x1000 });
    });
    const { device } = made.platform.core;
    const lie = () => {
      device.write(DEVICE, QUEUE + BigInt(Layout.USED_IDX), Uint8Array.of(1, 0));
      for (const [offset, value] of words) {
        const bytes = Uint8Array.of(value & 0xff, value >> 8);
        device.write(DEVICE, QUEUE + BigInt(offset), bytes);
      }
    };
    made.vm.ports.attach(KICK, { read: () => 0, write: lie });
    assert.is(made.vm.run(), "sleeps");
    assert.is(answer, undefined);
  });
}

test("a device told to reach a private page gets ciphertext from it, and is refused when it writes", () => {
  const made = machine("sev-snp", function* (cpu) {
    yield* cpu.write(PRIVATE, SENT);
  });
  made.vm.run();
  const { device } = made.platform.core;
  const bytes = new Uint8Array(64);
  assert.ok(device.read(DEVICE, PRIVATE, bytes));
  assert.not.equal(bytes, SENT.subarray(0, 64));
  assert.not(device.write(DEVICE, PRIVATE, bytes));
});

test("slots are given out in turn, in a row, and again when they are free", () => {
  const slots = new Slots(4);
  assert.equal([slots.take(2), slots.take(1), slots.take(2)], [0, 2, undefined]);
  slots.give(0, 2);
  assert.is(slots.free, 3);
  assert.equal([slots.take(1), slots.take(2), slots.take(1)], [3, 0, undefined]);
});
