// Starts worker.ts: a worker of Node 20 does not take over its parent's loader.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
