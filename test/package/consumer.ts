// A user's TypeScript, type-checked without the DOM library and without @types/node: see types.sh.
import {
  type Chip,
  chips,
  createPlatform,
  type GenerationReport,
  openTrace,
  type Platform,
  type ReplayOptions,
  type ReplayReport,
  replay,
  type TraceReader,
} from "cloister";

async function* source(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array([0x49, 0x20, 0x20]);
}

export const part: Chip = chips.turin;
export const platform: Platform = createPlatform({ chip: "milan", generation: "sev-snp" });

export async function run(options: ReplayOptions): Promise<GenerationReport[]> {
  const trace: TraceReader = await openTrace(source(), "tiny.lackey");
  const report: ReplayReport = await replay(trace, { ...options, pageSize: "2m" });
  return report.generations;
}
