// cloister tio demo and status, as a person at a shell meets them.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tio } from "../../dist/cli/tio.js";
import { expecting, typing } from "../cli/typed.ts";
import { assert, suite } from "../kit.ts";
import { packetsOf } from "../pcapng.ts";

const test = suite("cloister tio demo and status");
const run = expecting(typing(tio));

test("demo goes all seven steps and decodes every message, none of them a key", async () => {
  const out = await run(0, "tio", "demo");
  for (const step of ["1.", "2.", "3.", "4.", "5. and 6.", "7."])
    assert.ok(out.includes(`\n${step} `) || out.startsWith(`${step} `), step);
  for (const word of [
    "IDE_KM KEY_PROG",
    "TDISP LOCK_INTERFACE_REQUEST",
    "TDISP START_INTERFACE_REQUEST",
    "TIO_DEV_CONNECT, TC_MASK 0x1, SUCCESS",
    "MSG_SDTE_WRITE_REQ",
    "MSG_MMIO_VALIDATE_REQ",
    "the guest reads its digest: ",
  ])
    assert.ok(out.includes(word), word);
});

test("demo writes its conversation as JSON and as pcapng, the same for the same seed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  try {
    const file = join(folder, "a.pcapng");
    const words = ["tio", "demo", "--tio-phase", "1", "--json", "--pcap"];
    const lines = JSON.parse(await run(0, ...words, file));
    const first = new Uint8Array(readFileSync(file));
    const spdm = lines.filter(({ kind }: { kind: string }) => kind === "spdm");
    assert.is(packetsOf(first).packets.length, spdm.length);
    assert.is(lines.at(-1).text, "phase 1 ends here");
    await run(0, ...words, file);
    assert.equal(new Uint8Array(readFileSync(file)), first);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("before phase 3 the device reaches nothing private", async () => {
  assert.match(await run(0, "tio", "demo", "--tio-phase", "2"), /phase 2: the IOMMU refused it/);
});

test("status tells Turin's buffers and nodes, and elsewhere that there is no TSM", async () => {
  const turin = JSON.parse(await run(0, "tio", "status", "--json"));
  assert.equal([turin.status, turin.enabled, turin.initialised], ["SUCCESS", true, true]);
  assert.ok(turin.devices[0].nodes.includes("tsm/connect"));
  assert.match(await run(0, "tio", "status", "--chip", "genoa"), /UNSUPPORTED\n.*no TSM/);
  await run(1, "tio", "status", "--tio-phase", "5");
  await run(1, "tio", "demo", "--seed", "x");
});
