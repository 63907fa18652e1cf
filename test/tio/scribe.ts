// A device that writes where it is told, and a guest that has it: what the tests of trusted I/O from end to end share.
import type { Behaviour } from "../../dist/board.js";
import { TioMachine, type TioMachineOptions } from "../../dist/tio/index.js";
import { MIB, withCore } from "../core.ts";
import { TOY } from "../device/toy.ts";
import { assert } from "../kit.ts";

export const PF0 = 0x100;
export const VF = 0x101;
export const BUFFER = 0x210000n;

/** A device that writes 16 bytes of its own where it is told, and has eight registers that keep what they are given. */
export const scribe: Behaviour = (dma) => {
  const registers = new Uint8Array(64);
  return {
    load: (_bar, offset, into) => into.set(registers.subarray(offset, offset + into.length)),
    store(_bar, offset, from) {
      registers.set(from, offset);
      const address = new DataView(registers.buffer).getBigUint64(0, true);
      if (offset === 8) dma.write(address, new Uint8Array(16).fill(0xd7));
    },
    reset: () => void registers.fill(0),
  };
};

export function machine(options: Partial<TioMachineOptions> = {}): TioMachine {
  return new TioMachine({
    devices: [{ behaviour: scribe, vfs: 1 }],
    resident: 64 * MIB,
    ...withCore,
    ...TOY,
    ...options,
  });
}

export function connected(options: Partial<TioMachineOptions> = {}): {
  made: TioMachine;
  rid: number;
} {
  const made = machine(options);
  made.tsm.write(made.node(PF0, "tsm/connect"), "tsm0\n");
  return { made, rid: made.assign(VF) };
}

export function accepted(options: Partial<TioMachineOptions> = {}): {
  made: TioMachine;
  rid: number;
} {
  const both = connected(options);
  both.made.write(both.rid, "tsm/lock", "tsm0\n");
  both.made.write(both.rid, "tsm/accept", "1\n");
  return both;
}

/** Tells the device to write to the guest's buffer, and answers what stands there then. */
export function ask(made: TioMachine, gpa = BUFFER): Uint8Array {
  const seen = new Uint8Array(16);
  const registers = made.assigned[0]!.bars[0]!.gpa;
  made.run(function* (_tsm, cpu) {
    yield* cpu.write(gpa, new Uint8Array(16));
    const address = new Uint8Array(8);
    new DataView(address.buffer).setBigUint64(0, gpa, true);
    yield* cpu.write(registers, address);
    yield* cpu.write(registers + 8n, Uint8Array.of(1));
    yield* cpu.read(gpa, seen);
  });
  return seen;
}

export const WRITTEN = new Uint8Array(16).fill(0xd7);
export const UNTOUCHED = new Uint8Array(16);
export const stateOf = (made: TioMachine, functionId = VF): string =>
  made.platform.board!.devices[0]!.device.states().find((each) => each.functionId === functionId)!
    .state;

export function refused(errno: string, act: () => unknown): void {
  assert.throws(act, new RegExp(`^${errno}:`));
}
