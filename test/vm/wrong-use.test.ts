// Wrong use from the API gives the architecture's own error: a status, a fault, an exit code. Never an exception from inside Wasm.

import { BadInput, CheckFailed, Misuse } from "../../dist/error.js";
import type { Cpu, Step } from "../../dist/guest/cpu.js";
import { Vcpu } from "../../dist/hypervisor/vcpu.js";
import { boot, createPlatform, type Platform } from "../../dist/index.js";
import * as Command from "../../ts/abi/command.ts";
import * as Code from "../../ts/abi/exit.ts";
import * as Protocol from "../../ts/abi/ghcb-msr.ts";
import * as PageInfo from "../../ts/abi/page-info.ts";
import * as Activate from "../../ts/abi/psp/activate.ts";
import * as SnpLaunchUpdate from "../../ts/abi/psp/snp-launch-update.ts";
import * as Answer from "../../ts/abi/rmp-state.ts";
import * as Status from "../../ts/abi/status.ts";
import * as Layout from "../../ts/abi/vmcb.ts";
import { bufferOf } from "../../ts/layout.ts";
import { Chance, MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { accept, DATA, type Rig, rig, runTo, vmsaOf } from "./rig.ts";

const test = suite("wrong use");

const INVALID = BigInt.asUintN(64, BigInt(Code.VMEXIT_INVALID));
const GP = { kind: Code.HOST_FAULT, code: BigInt(Code.GP) };
const GENERATIONS = ["none", "sev", "sev-es", "sev-snp"] as const;

function* halts(cpu: Cpu): Step {
  for (;;) yield* cpu.hlt();
}

/** Another VMCB of the same contents. */
function second({ platform, vcpu }: Rig): Vcpu {
  const { host } = platform.core;
  const page = new Uint8Array(0x1000);
  vcpu.vmcb.read(0, page);
  const spa = platform.hypervisor.parts.pages.small();
  host.write(spa, page);
  return new Vcpu(1, { host, vmcb: spa, cBit: 0n, es: vcpu.es });
}

const faultOf = ({ platform }: Rig) => {
  const { kind, code } = platform.core.host.exit();
  return { kind, code };
};

test("a page that is not aligned: FAIL_INPUT, #GP, VMEXIT_INVALID or INVALID_ADDRESS, by who was asked", () => {
  const made = rig("sev-snp", halts);
  const { vm, vcpu, platform } = made;
  const { host } = platform.core;
  const { mailbox, parts } = platform.hypervisor;
  const spa = parts.pages.large();
  const state = { gpa: 0n, assigned: true, immutable: false, asid: vm.asid };
  assert.is(host.rmpupdate(spa + 8n, { ...state, pageSize: "4k" }), Answer.FAIL_INPUT);
  assert.is(host.rmpupdate(spa, { ...state, pageSize: "4k", gpa: 8n }), Answer.FAIL_INPUT);
  assert.is(host.rmpupdate(spa + 0x1000n, { ...state, pageSize: "2m" }), Answer.FAIL_INPUT);
  assert.is(host.psmash(spa + 0x1000n), Answer.FAIL_INPUT);
  assert.is(host.rmpread(spa + 8n)?.eax, Answer.FAIL_INPUT);
  for (const instruction of ["vmrun", "vmload", "vmsave"] as const) {
    assert.not(host[instruction](vcpu.vmcb.spa + 8n), instruction);
    assert.equal(faultOf(made), GP);
  }
  vcpu.vmcb.setU64(Layout.VMSA_PTR, vmsaOf(made) + 8n);
  assert.is(vcpu.run().code, INVALID);
  const FLAGS = PageInfo.NORMAL << SnpLaunchUpdate.PAGE_TYPE_LSB;
  const values = { GCTX_PADDR: (vm.gctx as bigint) + 8n, PAGE_PADDR: spa, FLAGS };
  const update = bufferOf(SnpLaunchUpdate, values);
  assert.is(mailbox.send(Command.SNP_LAUNCH_UPDATE, update), Status.INVALID_ADDRESS);
});

test("PVALIDATE and RMPADJUST of 2 MiB at an address that is not aligned, or of no size there is: FAIL_INPUT", () => {
  const answers: number[] = [];
  const made = rig("sev-snp", function* (cpu) {
    yield* accept(cpu, DATA);
    answers.push((yield* cpu.pvalidate(DATA, true, true)).eax);
    const nothing = { vmpl: 1, permissions: 0, vmsa: false };
    answers.push(yield* cpu.rmpadjust(DATA, true, nothing));
  });
  runTo(made, Code.VMEXIT_HLT);
  assert.equal(answers, [Answer.FAIL_INPUT, Answer.FAIL_INPUT]);
});

test("an ASID that no guest has: VMEXIT_INVALID; one that there is not: FAIL_INPUT, INVALID_ASID", () => {
  for (const generation of GENERATIONS) {
    const made = rig(generation, halts);
    for (const asid of [made.vm.asid + 1, 1007, 1023, 1024, 0xffff_ffff]) {
      made.vcpu.vmcb.setU32(Layout.GUEST_ASID, asid);
      // Without SEV any ASID that the core has a number for is the hypervisor's to choose.
      if (generation === "none" && asid < 1024) continue;
      assert.is(made.vcpu.run().code, INVALID, `${generation}, ASID ${asid}`);
    }
  }
  const { platform } = rig("sev-snp", halts);
  const spa = platform.hypervisor.parts.pages.small();
  for (const asid of [1024, 0xffff_ffff]) {
    const state = { gpa: 0n, assigned: true, pageSize: "4k", immutable: false, asid } as const;
    assert.is(platform.core.host.rmpupdate(spa, state), Answer.FAIL_INPUT);
  }
  const idle = rig("sev-es", halts);
  const { hypervisor } = idle.platform;
  const HANDLE = hypervisor.handleOf(idle.vm) as number;
  hypervisor.deactivate(idle.vm);
  for (const ASID of [0, 1007, 0xffff_ffff]) {
    const buffer = bufferOf(Activate, { HANDLE, ASID });
    assert.is(hypervisor.mailbox.send(Command.ACTIVATE, buffer), Status.INVALID_ASID);
  }
});

test("a VMSA that runs already, or that is another guest's: VMEXIT_INVALID, and the one that runs goes on", () => {
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const codes: bigint[] = [];
    // From a second VMCB that names the same VMSA, and from the first.
    const made = rig(generation, function* (cpu) {
      codes.push(second(made).run().code, made.vcpu.run().code);
      yield* cpu.hlt();
    });
    assert.is(runTo(made, Code.VMEXIT_HLT).code, BigInt(Code.VMEXIT_HLT));
    assert.equal(codes, [INVALID, generation === "sev-snp" ? BigInt(Code.GP) : INVALID]);
  }
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const { platform, vcpu, vm } = rig(generation, halts);
    const image = { code: new Map([[0xffff_fff0n, halts]]) };
    const other = platform.createVm({ memory: 0x1000n, pageSize: "4k", image });
    const foreign = other.vcpus[0]!.vmcb.u64(Layout.VMSA_PTR);
    const own = vcpu.vmcb.u64(Layout.VMSA_PTR);
    vcpu.vmcb.setU64(Layout.VMSA_PTR, foreign);
    assert.is(vcpu.run().code, INVALID, generation);
    vcpu.vmcb.setU64(Layout.VMSA_PTR, own);
    assert.is(vcpu.run().code, BigInt(Code.VMEXIT_HLT));
    assert.is(other.run(), "sleeps");
    assert.is(vm.vcpus.length, 1);
  }
});

test("VMRUN, VMLOAD and VMSAVE of what is no VMCB: #GP; without VM_HSAVE_PA: #GP", () => {
  const made = rig("sev-snp", halts);
  const { host } = made.platform.core;
  for (const spa of [64n << 30n, 1n << 43n, 1n << 60n, -0x1000n, vmsaOf(made)]) {
    assert.not(host.vmrun(spa), `0x${spa.toString(16)}`);
    assert.equal(faultOf(made), GP);
    assert.not(host.vmload(spa));
    assert.not(host.vmsave(spa));
    assert.equal(faultOf(made), GP);
  }
});

test("a GHCB outside memory, in a hole or in a private page: the guest is resumed, and finds that nothing was answered", () => {
  for (const gpa of [1n << 40n, 0xffff_ffff_f000n, 0x3ff000n]) {
    const seen: bigint[] = [];
    const made = rig("sev-snp", function* (cpu) {
      yield* boot(cpu, { memory: 0x200000n, tables: 0x10000n, ghcb: 0x20000n });
      cpu.ghcbMsr = gpa;
      yield* cpu.vmgexit();
      seen.push(cpu.ghcbMsr);
      cpu.ghcbMsr = BigInt(Protocol.FEATURES_REQUEST);
      yield* cpu.vmgexit();
      seen.push(cpu.ghcbMsr & 0xfffn);
    });
    runTo(made, Code.VMEXIT_HLT);
    assert.equal(seen, [gpa, BigInt(Protocol.FEATURES_RESPONSE)], `0x${gpa.toString(16)}`);
  }
});

test("memory that is not there: a fault of who asked, with its address", () => {
  const { core } = createPlatform({ generation: "sev-snp", resident: 64 * MIB, ...withCore });
  const bytes = new Uint8Array(8);
  for (const spa of [64n << 30n, (64n << 30n) - 4n, 1n << 44n, 1n << 63n, -8n]) {
    assert.not(core.host.read(spa, bytes), `0x${spa.toString(16)}`);
    assert.is(core.host.exit().kind, Code.HOST_FAULT);
    assert.not(core.host.write(spa, bytes));
    assert.is(core.host.exit().code, BigInt(Code.PF));
    assert.not(core.dimm.read(spa, bytes));
    assert.not(core.dimm.write(spa, bytes));
    assert.not(core.device.read(8, BigInt.asUintN(64, spa), bytes));
    assert.is(core.device.exit().kind, Code.DEVICE_FAULT);
  }
});

/** Numbers that somebody may pass for an address or an argument. */
function hostile(chance: Chance, platform: Platform): bigint {
  const edges = [0n, 1n, 0xfffn, 0x1000n, 0x1f_ffffn, 64n << 30n, 1n << 47n, 1n << 51n, 1n << 63n];
  const kind = chance.below(4);
  if (kind === 0) return chance.pick(edges) + BigInt(chance.below(3) - 1);
  if (kind === 1) return chance.word();
  const spa = platform.hypervisor.vmOf(1)?.vcpus[0]?.vmcb.spa ?? 0n;
  return kind === 2 ? spa + (chance.word() & 0x1f_ffffn) : chance.word() & 0xf_ffff_ffffn;
}

test("20,000 calls of every port with arguments that make no sense: answers, or an error that names what is wrong", () => {
  for (const generation of ["sev-es", "sev-snp"] as const) {
    const { platform, vm } = rig(generation, halts);
    const { host, guest, device, dimm } = platform.core;
    const chance = new Chance(generation === "sev-snp" ? 5n : 6n);
    const word = () => hostile(chance, platform);
    const number = () => chance.pick([0, 1, 2, 7, 8, 1023, 1024, 65536, -1, 2 ** 31, 2 ** 32]);
    const bytes = () => new Uint8Array(chance.pick([0, 1, 8, 64, 4096, 4097, 9000]));
    const flag = () => chance.once(2);
    const size = () => (flag() ? "4k" : "2m");
    const calls: (() => unknown)[] = [
      () => host.read(word(), bytes(), flag()),
      () => host.write(word(), bytes(), flag()),
      () =>
        host.rmpupdate(word(), {
          gpa: word(),
          assigned: flag(),
          pageSize: size(),
          immutable: flag(),
          asid: number(),
        }),
      () => host.psmash(word()),
      () => host.rmpread(word()),
      () => host.nestedEntry(word(), word()),
      () => host.mapNested(word(), word(), word(), number(), [word()]),
      () => host.flushAsid(number()),
      () => host.readRegister(number()),
      () => host.attach(number(), word()),
      () => host.vmrun(word()),
      () => host.vmload(word()),
      () => host.vmsave(word()),
      () => host.rdmsr(number()),
      () => host.branch(word(), word()),
      () => device.read(number(), word(), bytes()),
      () => device.write(number(), word(), bytes()),
      () => dimm.read(word(), bytes()),
      () => guest.read(word(), bytes()),
      () => guest.fetch(word(), bytes()),
      () => guest.pvalidate(word(), flag(), flag()),
      () =>
        guest.rmpadjust(word(), flag(), { vmpl: number(), permissions: number(), vmsa: flag() }),
      () => guest.rmpquery(word(), number()),
      () =>
        guest.rmpupdate(word(), {
          gpa: word(),
          assigned: flag(),
          pageSize: size(),
          immutable: flag(),
          asid: number(),
        }),
      () =>
        guest.load({
          asid: number(),
          vmpl: number(),
          cpl: 0,
          sev: flag(),
          es: flag(),
          snp: flag(),
          paging: flag(),
          cr3: word(),
          ncr3: flag() ? vm.root : word(),
        }),
    ];
    for (let i = 0; i < 10_000; i++) {
      try {
        chance.pick(calls)();
      } catch (error) {
        const named = error instanceof Misuse || error instanceof BadInput;
        if (!named && !(error instanceof CheckFailed)) throw error;
      }
    }
    // What is left still works.
    const fresh = platform.hypervisor.parts.pages.small();
    assert.is(typeof host.write(fresh, Uint8Array.of(1)), "boolean");
  }
});
