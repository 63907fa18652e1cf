// cloister ok: what is on in the launched guest, as snpguest ok prints it, whether its launch repeats, and the host's minima.
import type { Command } from "commander";
import * as Msr from "../abi/msr.ts";
import * as Feature from "../abi/sev-features.ts";
import { BadInput, CheckFailed } from "../error.ts";
import type { Cpu, Step } from "../guest/cpu.ts";
import { missLine } from "../launch/host.ts";
import { hostMisses, readHost } from "./host-file.ts";
import { print } from "./output.ts";
import { DEFAULT_DIRECTORY, type Opened, openState } from "./state.ts";

interface Flags {
  state: string;
  host?: string;
  json?: boolean;
}

/** A line of the tree. */
interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly says?: string;
  readonly depth?: number;
}

// snpguest's names, in its order.
const optional: readonly [string, number][] = [
  ["VTOM", Feature.VTOM_BIT],
  ["ReflectVC", Feature.REFLECT_VC_BIT],
  ["Restricted Injection", Feature.RESTRICTED_INJECTION_BIT],
  ["Alternate Injection", Feature.ALTERNATE_INJECTION_BIT],
  ["Debug Swap", Feature.DEBUG_SWAP_BIT],
  ["Prevent Host IBS", Feature.PREVENT_HOST_IBS_BIT],
  ["SNP BTB Isolation", Feature.BTB_ISOLATION_BIT],
  ["VMPL SSS", Feature.VMPL_SSS_BIT],
  ["Secure TSE", Feature.SECURE_TSC_BIT],
  ["VMG Exit Parameter", Feature.VMGEXIT_PARAMETER_BIT],
  ["IBS Virtualization", Feature.IBS_VIRTUALIZATION_BIT],
  ["VMSA Reg Prot", Feature.VMSA_REG_PROT_BIT],
  ["SMT Protection", Feature.SMT_PROTECTION_BIT],
];

const has = (word: bigint, bit: number) => ((word >> BigInt(bit)) & 1n) === 1n;
const state = (on: boolean) => (on ? "ENABLED" : "DISABLED");

/** Where the first vCPU starts: the reset vector. */
const RESET = 0xfffffff0n;

/** Makes the machine again, and has its guest read SEV_STATUS, as snpguest does. */
function opening(dir: string): { opened: Opened; status: bigint } {
  let status: bigint | undefined;
  const code = new Map([
    [
      RESET,
      function* (cpu: Cpu): Step {
        status = yield* cpu.rdmsr(Msr.SEV_STATUS);
        yield* cpu.hlt();
      },
    ],
  ]);
  const opened = openState(dir, { code });
  opened.vm.vcpus[0]?.run();
  if (status === undefined) throw new CheckFailed("ok: the guest did not read SEV_STATUS");
  return { opened, status };
}

function guestChecks(opened: Opened, status: bigint): Check[] {
  const feature = (bit: number) => has(status, bit + Feature.STATUS_FEATURES_LSB);
  const needed: [string, boolean][] = [
    ["SEV", has(status, Feature.STATUS_SEV_BIT)],
    ["SEV-ES", has(status, Feature.STATUS_ES_BIT)],
    ["SNP", feature(Feature.SNP_ACTIVE_BIT)],
  ];
  return [
    ...needed.map(([name, on]) => ({ name, passed: on, says: state(on) })),
    { name: "Optional Features statuses:", passed: true },
    ...optional.map(([name, bit]) => ({ name, passed: true, says: state(feature(bit)), depth: 2 })),
    { name: "Measurement", passed: true, says: opened.state.measurement },
  ];
}

function hostChecks(
  { state: { host: launched, launch } }: Opened,
  path: string | undefined,
): Check[] {
  const host = path === undefined ? launched : readHost(path);
  if (host === undefined) return [];
  const misses = hostMisses(host, launch.generation);
  return [
    { name: "Host minima", passed: misses.length === 0, says: `${misses.length} missed` },
    ...misses.map((miss) => ({ name: missLine(miss), passed: false, depth: 2 })),
  ];
}

const lineOf = ({ name, passed, says, depth = 0 }: Check) =>
  `[ ${passed ? "PASS" : "FAIL"} ] ${" ".repeat(depth)}- ${name}${says === undefined ? "" : `: ${says}`}`;

async function act(flags: Flags): Promise<void> {
  const { opened, status } = opening(flags.state);
  const checks = [...guestChecks(opened, status), ...hostChecks(opened, flags.host)];
  const json = () =>
    JSON.stringify(
      checks.map(({ depth: _, ...check }) => check),
      null,
      2,
    );
  await print(flags.json ? json() : checks.map(lineOf).join("\n"));
  const failed = checks.filter(({ passed }) => !passed).length;
  if (failed > 0) throw new BadInput(`${failed} of ${checks.length} checks failed`);
}

export function ok(program: Command): void {
  program
    .command("ok")
    .description("what is on in the launched guest, and whether the host meets the minima")
    .option("--state <dir>", "what cloister launch left", DEFAULT_DIRECTORY)
    .option(
      "--host <file>",
      "JSON {part, microcode, firmware, kernel, qemu, libvirt, ovmf}; default what launch was given",
    )
    .option("--json", "every check as JSON")
    .action(act);
}
