// Gives pages to the hypervisor, as the generation has it: by page state change, by the C-bit alone, or not at all where nothing is
// private. Linux set_memory_decrypted.
import type { Cpu, Step } from "./cpu.ts";
import { setMemoryDecrypted } from "./ghcb/page-state.ts";
import { LinearPageTables } from "./page-table.ts";
import type { SevGuest } from "./sev.ts";

const PAGE = 0x1000n;
const ENCRYPTION = 0x8000_001f;
const C_BIT = 0x3f;

/** `guest` is what `boot` answered: undefined without SEV-ES. What the pages held is lost. */
export function* share(cpu: Cpu, guest: SevGuest | undefined, gva: bigint, pages: bigint): Step {
  if (guest) return yield* setMemoryDecrypted(cpu, guest, gva, pages);
  if (!cpu.features.sev) return;
  const { ebx } = yield* cpu.cpuid(ENCRYPTION, 0);
  const tables = new LinearPageTables(0n, 1n << BigInt(ebx & C_BIT));
  for (let page = 0n; page < pages; page++)
    yield* tables.setEncrypted(cpu, gva + page * PAGE, false);
}
