// The public API; re-exports only.
export { BadInput, CheckFailed, Misuse, Unimplemented } from "./error.ts";
