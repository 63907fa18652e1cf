// cloister kds serve: the key service for emulated chips, on loopback unless told.
import type { Command } from "commander";
import { hex } from "../attest/bytes.ts";
import { chipIdBytes, products } from "../attest/product.ts";
import { Misuse } from "../error.ts";
import { type KdsFault, kdsFaults } from "../kds/fault.ts";
import { serve } from "../kds/serve.ts";
import { integerOption, sayEmulated } from "./attestation.ts";

interface Options {
  port: string;
  host: string;
  seed: string;
  fault?: string;
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Ends when the process is told to; then every connection is closed. */
const stopped = () =>
  new Promise<void>((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });

async function run({ port, host, seed, fault }: Options): Promise<void> {
  if (fault !== undefined && !kdsFaults.includes(fault as KdsFault)) {
    throw new Misuse(`--fault: "${fault}", expected ${kdsFaults.join(", ")}`);
  }
  const { chipIdOf } = await import("../attest/evidence/secret.ts");
  const { makeKds } = await import("../kds/handler.ts");
  const wrong = fault === undefined ? {} : { fault: fault as KdsFault };
  const kds = makeKds({ seed, clock: () => Date.now(), sleep, ...wrong });
  const serving = await serve(kds, { port: integerOption("--port", port, 65535), host });
  sayEmulated(serving.url);
  for (const product of products) {
    const hwid = hex(chipIdOf(seed, product).subarray(0, chipIdBytes(product)));
    process.stdout.write(`${product.padEnd(6)} ${hwid}\n`);
  }
  process.stdout.write(`listening on ${serving.url}\n`);
  await stopped();
  await serving.close();
}

export function kds(program: Command): void {
  const verb = program.command("kds").description("AMD's key service, for emulated chips");
  verb
    .command("serve")
    .description("answer vcek, vlek, cert_chain and crl until stopped")
    .option("--port <n>", "0 picks a free one", "8080")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--seed <text>", "whose chips it knows", "cloister")
    .option("--fault <name>", `${kdsFaults.join(", ")}; a request may ask by x-cloister-fault`)
    .action(run);
}
