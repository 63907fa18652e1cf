// node examples/pods.mjs: 1,000 pods, each a confidential VM of one page, over 500 ASIDs; each runs twice, and must find what it left. A SEV or SEV-ES
// pod outlives its ASID: the hypervisor takes it from the pod that ran longest ago (DEACTIVATE), and the pod runs on under another.
// An SNP pod keeps its ASID to its end, so an earlier pod has to go first.
import { createPlatform, decodeCommand } from "cloister";

const PODS = 1000;
const ASIDS = 500;
const ENTRY = 0xfffffff0n;

/** A pod's program: counts its runs in its page and in a register, and stops the machine when either is not as it left it. */
function program(number) {
  return function* (cpu) {
    const bytes = new Uint8Array(8);
    const word = new DataView(bytes.buffer);
    if (cpu.features.snp) yield* cpu.pvalidate(0n, false, true);
    for (let value = BigInt(number) << 32n; ; value++) {
      cpu.registers.rbx = value;
      word.setBigUint64(0, value);
      yield* cpu.write(0n, bytes);
      yield* cpu.hlt();
      yield* cpu.read(0n, bytes);
      if (word.getBigUint64(0) !== value || cpu.registers.rbx !== value)
        throw new Error(`pod ${number}: not what it left`);
    }
  };
}

/** Runs a pod up to its HLT, whether it is new or asleep. */
function run(vm) {
  for (const vcpu of vm.vcpus) vcpu.halted = false;
  if (vm.run() !== "sleeps") throw new Error("a pod ended");
}

function pods(generation) {
  const count = { activated: 0, deactivated: 0, disposed: 0, runs: 0 };
  const onCommand = (record) => {
    const { command } = decodeCommand(record);
    if (command === "ACTIVATE" || command === "SNP_ACTIVATE") count.activated++;
    if (command === "DEACTIVATE") count.deactivated++;
  };
  // The BIOS setting that splits a Milan's 509 ASIDs: plain SEV from minSevAsid on, all others below.
  const minSevAsid = generation === "sev" ? 509 - ASIDS + 1 : ASIDS + 1;
  const machine = { chip: "milan", generation, minSevAsid, resident: 128 << 20, onCommand };
  const platform = createPlatform(machine);
  const alive = [];
  for (let number = 0; number < PODS; number++) {
    if (generation === "sev-snp" && alive.length === ASIDS) {
      alive.shift().dispose();
      count.disposed++;
    }
    const image = { code: new Map([[ENTRY, program(number)]]) };
    const pod = platform.createVm({ memory: 0x1000n, pageSize: "4k", image });
    alive.push(pod);
    run(pod);
  }
  for (const pod of alive) run(pod);
  count.runs = PODS + alive.length;
  const held = alive.filter(({ asid }) => asid !== 0).length;
  return { generation, pods: PODS, alive: alive.length, "hold an ASID": held, ...count };
}

const rows = ["sev", "sev-es", "sev-snp"].map(pods);
if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else console.table(rows);
