// cloister tio status: what a part's firmware says of SEV-TIO, and what a kernel of a phase makes of it.
import type { ChipName, Generation } from "../chip/chip.ts";
import { chips } from "../chip/index.ts";
import { tioStatus } from "../hypervisor/tsm/status.ts";
import type { TioPhase } from "../hypervisor/tsm/tsm.ts";
import { createPlatform } from "../platform.ts";
import { statusName } from "../psp/log.ts";

interface StatusOptions {
  chip: ChipName;
  tioPhase: TioPhase;
  json?: boolean;
}

interface Shown {
  chip: string;
  /** TIO_STATUS's own status. */
  status: string;
  enabled: boolean;
  initialised: boolean;
  tsm: string | null;
  phase: number | null;
  sizes: Record<string, number> | null;
  devices: { name: string; nodes: string[] }[];
}

const registers = () => ({ load() {}, store() {}, reset() {} });

function look(name: ChipName, phase: TioPhase): Shown {
  const { newest } = chips[name];
  const generation: Generation = newest;
  const tio = newest === "sev-tio";
  const devices = tio ? [{ behaviour: registers, vfs: 1 }] : [];
  const platform = createPlatform({
    chip: name,
    generation,
    resident: 64 << 20,
    devices,
    tioPhase: phase,
  });
  const { hypervisor } = platform;
  const { tsm } = hypervisor;
  const told = hypervisor.mailbox.snp ? tioStatus(hypervisor.parts) : "no SNP";
  const none = { chip: name, enabled: false, initialised: false, tsm: null, phase: null };
  if (typeof told === "string") return { ...none, status: told, sizes: null, devices: [] };
  if (typeof told === "number")
    return { ...none, status: statusName(told), sizes: null, devices: [] };
  return {
    chip: name,
    status: statusName(0),
    enabled: told.enabled,
    initialised: told.initialised,
    tsm: tsm?.name ?? null,
    phase: tsm?.phase ?? null,
    sizes: { ...told.sizes },
    devices: (tsm?.capable() ?? []).map((pci) => ({
      name: pci.name,
      nodes: tsm?.nodes(pci.bdf) ?? [],
    })),
  };
}

function print({ chip, status, enabled, initialised, tsm, phase, sizes, devices }: Shown): void {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`${chip}: TIO_STATUS ${status}`);
  if (!sizes) {
    say("SEV-TIO came with Turin; here there is no TSM");
    return;
  }
  say(`TIO_EN ${Number(enabled)}, TIO_INIT_DONE ${Number(initialised)}`);
  for (const [name, bytes] of Object.entries(sizes)) say(`  ${name}: ${bytes} bytes`);
  say(`${tsm}: link TSM, phase ${phase}`);
  for (const { name, nodes } of devices) say(`  ${name}: ${nodes.join(", ")}`);
}

export function tioStatusVerb(options: StatusOptions): void {
  const shown = look(options.chip, options.tioPhase);
  if (options.json) process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else print(shown);
}
