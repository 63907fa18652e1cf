// A page's TypeScript: what browsers hand in (streams, signals, compiled modules) fits the declarations as it is.
import { createPlatform, openTrace, type ReplayReport, replay } from "cloister";

export async function run(url: string, module: WebAssembly.Module): Promise<ReplayReport> {
  const { body } = await fetch(url);
  if (!body) throw new Error("no body");
  createPlatform({ module });
  const interrupt = new AbortController();
  return replay(await openTrace(body, url), { module, signal: interrupt.signal });
}
