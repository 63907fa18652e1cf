// The permission maps of ports and MSRs: which bit decides, and what has none. APM vol. 2, 15.10 and 15.11.
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import * as Code from "../../ts/abi/exit.ts";
import * as Msr from "../../ts/abi/msr.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import { assert, suite } from "../kit.ts";
import { rig } from "./rig.ts";

const test = suite("permission maps");

/** The exit at which a guest leaves that does one thing and halts, when a map has ones at these bits and zeros elsewhere. */
function leaves(field: number, pages: number, ones: number[], act: (cpu: Cpu) => Step<unknown>) {
  const made = rig("none", function* (cpu): Step {
    yield* act(cpu);
    yield* cpu.hlt();
  });
  const map = new Uint8Array(0x1000 * pages);
  for (const one of ones) map[one >> 3] = (map[one >> 3] as number) | (1 << (one & 7));
  const { host } = made.platform.core;
  assert.ok(host.write(made.vcpu.vmcb.u64(field), map));
  return Number(made.vcpu.run().code);
}

const PORT = 0x3f8;

test("a port leaves by its own bit, and one of several bytes by the bit of any", () => {
  const port = (bytes: 1 | 2 | 4, ones: number[]) =>
    leaves(Layout.IOPM_BASE_PA, 3, ones, (cpu) => cpu.in(PORT, bytes));
  assert.is(port(1, [PORT - 1, PORT + 1]), Code.VMEXIT_HLT);
  assert.is(port(1, [PORT]), Code.VMEXIT_IOIO);
  assert.is(port(2, [PORT + 2]), Code.VMEXIT_HLT);
  assert.is(port(2, [PORT + 1]), Code.VMEXIT_IOIO);
  assert.is(port(4, [PORT + 3]), Code.VMEXIT_IOIO);
});

test("an MSR has a bit for reads and one for writes, in three ranges", () => {
  for (const [msr, range] of [
    [Msr.SYSENTER_CS, 0],
    [Msr.STAR, 1],
  ] as const) {
    const read = range * 0x4000 + 2 * (msr & 0x1fff);
    const reads = (ones: number[]) =>
      leaves(Layout.MSRPM_BASE_PA, 2, ones, (cpu) => cpu.rdmsr(msr));
    const writes = (ones: number[]) =>
      leaves(Layout.MSRPM_BASE_PA, 2, ones, (cpu) => cpu.wrmsr(msr, 0n));
    assert.is(reads([read + 1]), Code.VMEXIT_HLT);
    assert.is(reads([read]), Code.VMEXIT_MSR);
    assert.is(writes([read]), Code.VMEXIT_HLT);
    assert.is(writes([read + 1]), Code.VMEXIT_MSR);
  }
});

test("an MSR that no range has always leaves", () => {
  for (const msr of [0x2000, 0x4000_0000, 0xc000_2000, 0xc001_2000])
    assert.is(
      leaves(Layout.MSRPM_BASE_PA, 2, [], (cpu) => cpu.rdmsr(msr)),
      Code.VMEXIT_MSR,
      `0x${msr.toString(16)}`,
    );
});
