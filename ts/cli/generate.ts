// cloister generate trace: synthetic traces.
import type { Command } from "commander";
import { wallClock } from "../clock.ts";
import { generateTrace, type PatternName, patternNames } from "../replay/generate/index.ts";
import { type WrittenFormat, writtenFormats } from "../replay/writer.ts";
import { interruptible } from "./interrupt.ts";
import { oneOf, size, whole } from "./option.ts";
import { progress } from "./progress.ts";
import { writeTrace } from "./trace-out.ts";

interface Options {
  footprint: number;
  records: number;
  seed: number;
  out: string;
  to: WrittenFormat;
}

export const DEFAULT_FOOTPRINT: number = 64 * 2 ** 20;
export const DEFAULT_RECORDS = 1_000_000;

/** `generate`, whose verbs stand in files of their own. */
export function generateCommand(program: Command): Command {
  const verb = program.commands.find((command) => command.name() === "generate");
  return (
    verb ?? program.command("generate").description("make inputs: traces, measurements, ID blocks")
  );
}

export function generate(program: Command): void {
  generateCommand(program)
    .command("trace")
    .description("make a synthetic trace: the same options, the same bytes")
    .argument("<pattern>", patternNames.join(", "))
    .option("--footprint <size>", "memory it goes over", size("--footprint"), DEFAULT_FOOTPRINT)
    .option("--records <n>", "how long it is", whole("--records", 1), DEFAULT_RECORDS)
    .option("--seed <n>", "chance follows from it", whole("--seed", 0), 1)
    .option("--to <format>", writtenFormats.join(", "), oneOf("--to", writtenFormats), "cltr")
    .requiredOption("-o, --out <file>", 'gzipped if it ends in .gz; "-" for standard output')
    .action(act);
}

async function act(pattern: string, options: Options): Promise<void> {
  const trace = generateTrace(oneOf<PatternName>("pattern", patternNames)(pattern), options);
  const shown = progress(undefined, wallClock.now);
  try {
    await interruptible((signal) =>
      writeTrace(options.out, trace, {
        format: options.to,
        signal,
        onProgress: (records) => shown.update(0, records),
      }),
    );
  } finally {
    shown.stop();
  }
}
