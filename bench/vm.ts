// The guest program's road: exits a second by kind and generation, and loads and stores, beside the calibration loop.
import type { Generation } from "../dist/chip/chip.js";
import { boot } from "../dist/guest/boot.js";
import type { Cpu, Step } from "../dist/guest/cpu.js";
import type { SevGuest } from "../dist/guest/sev.js";
import { createPlatform } from "../dist/index.js";
import type { Region } from "../dist/launch/plan.js";
import * as Protocol from "../ts/abi/ghcb-msr.ts";
import * as Pte from "../ts/abi/pte.ts";
import type { Figure } from "./figure.ts";
import { calibration, interleaved, type Task } from "./measure.ts";

const ENTRY = 0xffff_fff0n;
const TABLES = 0x10000n;
const GHCB = 0x20000n;
const DATA = 0x30000n;
const CPUID_PAGE = 0x31000n;
// The leaf of the boot page table for this gva is turned to a gpa beyond the guest's memory: a device's.
const DEVICE_GVA = 0x32000n;
const MEMORY = 0x400000n;
const SERIAL = 0x3f8;
const CONSTANT = { read: () => 1n, write: () => {} };

type Act = (cpu: Cpu) => Step<unknown>;

const word = new Uint8Array(8);
const acts: Record<string, Act> = {
  cpuid: (cpu) => cpu.cpuid(0, 0),
  port: (cpu) => cpu.in(SERIAL, 1),
  mmio: (cpu) => cpu.mmioRead(DEVICE_GVA, 4),
  // The least there is: a request of the MSR protocol.
  vmgexit: function* (cpu) {
    cpu.ghcbMsr = BigInt(Protocol.FEATURES_REQUEST);
    yield* cpu.vmgexit();
  },
  load: (cpu) => cpu.read(DATA, word),
  store: (cpu) => cpu.write(DATA, word),
};

/** Points a page of the guest's tables at a device. */
function* mapDevice(cpu: Cpu): Step {
  const entry = new Uint8Array(8);
  const flags = (1n << BigInt(Pte.PRESENT_BIT)) | (1n << BigInt(Pte.WRITE_BIT));
  new DataView(entry.buffer).setBigUint64(0, MEMORY | flags, true);
  yield* cpu.write(TABLES + 0x3000n + 8n * (DEVICE_GVA >> 12n), entry);
}

/** A guest that does what it is told, `units` times, whenever it is woken. */
function guest(generation: Generation, withPage: boolean) {
  const told: { act: Act | undefined; units: number } = { act: undefined, units: 0 };
  const cpuid = withPage ? { cpuid: CPUID_PAGE } : {};
  const program = function* (cpu: Cpu): Step {
    const sev: SevGuest | undefined = yield* boot(cpu, {
      memory: 0x200000n,
      tables: TABLES,
      ghcb: GHCB,
      ...cpuid,
    });
    yield* mapDevice(cpu);
    if (sev) yield* cpu.write(DATA, word);
    for (;;) {
      const { act, units } = told;
      if (act) for (let i = 0; i < units; i++) yield* act(cpu);
      yield* cpu.hlt();
    }
  };
  const platform = createPlatform({ generation, resident: 64 << 20 });
  const image = { code: new Map([[ENTRY, program]]) };
  const regions: Region[] = withPage ? [{ type: "cpuid", gpa: CPUID_PAGE, bytes: 0x1000 }] : [];
  const vm = platform.createVm({ memory: MEMORY, pageSize: "4k", image, plan: regions });
  vm.mmio.attach(MEMORY, 0x1000, CONSTANT);
  vm.run();
  const run = (act: Act | undefined, units: number) => {
    told.act = act;
    told.units = units;
    for (const vcpu of vm.vcpus) vcpu.halted = false;
    if (vm.run() !== "sleeps") throw new Error(`${generation}: the guest ended`);
  };
  return { run, platform };
}

function tasksOf(
  generation: Generation,
  names: string[],
  withPage: boolean,
  units: number,
): Task[] {
  const made = guest(generation, withPage);
  return names.map((name) => ({
    name: withPage ? `${generation}-cpuid-page` : `${generation}-${name}`,
    units,
    run: () => made.run(acts[name], units),
  }));
}

const EXITS = ["cpuid", "port", "mmio"];
const ACCESSES = ["load", "store"];

/** Operations a second. */
export async function vmFigures(quick: boolean): Promise<Figure[]> {
  const units = quick ? 20_000 : 100_000;
  const tasks = [
    ...tasksOf("none", [...EXITS, ...ACCESSES], false, units),
    ...tasksOf("sev-es", [...EXITS, "vmgexit"], false, units),
    ...tasksOf("sev-snp", [...EXITS, "vmgexit", ...ACCESSES], false, units),
    ...tasksOf("sev-snp", ["cpuid"], true, units),
  ];
  const measured = await interleaved([calibration(), ...tasks], quick ? 3 : 15);
  const [loop, ...rows] = measured as [(typeof measured)[0], ...typeof measured];
  return rows.map(({ name, rate, spread }) => ({
    name: `vm-${name}`,
    value: rate,
    unit: EXITS.concat("vmgexit").some((kind) => name.endsWith(kind)) ? "exits/s" : "operations/s",
    peer: loop.name,
    peerValue: loop.rate,
    ratio: rate / loop.rate,
    spread,
  }));
}
