// Command buffers by their tables: ts/layout.ts, as the firmware has it.
export { bitOf, type Field, fieldsOf, isWellFormed, type Layout, viewOf } from "../layout.ts";
