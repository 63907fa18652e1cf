// The public API; re-exports only.
export { BadInput, CheckFailed, Misuse, Unimplemented } from "./error.ts";
export { type TraceNotes, TraceWriter } from "./replay/reader/cltr-writer.ts";
export { openTrace } from "./replay/reader/open.ts";
export type { ByteSource, TraceReader } from "./replay/reader/reader.ts";
export { windowOf } from "./replay/reader/window.ts";
export { Batch, type Counts } from "./replay/record.ts";
