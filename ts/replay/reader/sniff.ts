// Which text format a trace has, by the first line that says so.
import type { TraceFormat } from "./reader.ts";

const MARKS: readonly [RegExp, TraceFormat][] = [
  [/^(?:I {2}| [LSM] )[0-9a-f]|^(?:==|--|\*\*)\d+|^SYSCALL\[/i, "lackey"],
  [/^fio version \d+ iolog/, "fio"],
  [/^ *\d+,\d+ +\d+ +\d+ +\d+\.\d+ /, "blkparse"],
  [/(?:^|[\s:])kvm_\w+: |^# tracer:|^cpus=\d/, "kvm"],
  [/^(?:0x)?[0-9a-f]+: [RW] /i, "pinatrace"],
  [/^\s*(?:0x)?[0-9a-f]+\s+(?:READ|WRITE|P_MEM_RD|P_MEM_WR|P_FETCH|BOFF)\s+\d+\s*$/i, "dramsim3"],
  [/^\s*(?:0x[0-9a-f]+|\d+)\s+[RW]\s*$|^\s*(?:LD|ST)\s+(?:0x)?[0-9a-f]+\s*$/i, "ramulator"],
  [/^\s*\d+\s+(?:0x[0-9a-f]+|\d+)(?:\s+(?:0x[0-9a-f]+|\d+))?\s*$/i, "ramulator"],
];

/** The format of a line, undefined when it says nothing: an empty line or a remark. What no format knows is valgrind's, whose
 *  parser then names it. */
export function formatOfLine(line: string): TraceFormat | undefined {
  for (const [mark, format] of MARKS) if (mark.test(line)) return format;
  return line.trim() === "" || line.startsWith("#") ? undefined : "lackey";
}
