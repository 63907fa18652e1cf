import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emulatedSlots } from "../../dist/device/certificates.js";
import type { Slot } from "../../dist/device/spdm.js";
import { seeded } from "../../dist/spdm/chance.js";
import { nobleCurves } from "../../dist/spdm/crypto.js";
import * as Der from "../../dist/spdm/der.js";
import { join as octets } from "../../dist/spdm/octets.js";
import { assert, suite } from "../kit.ts";
import { packetsOf } from "../pcapng.ts";

const test = suite("cloister device and cloister tio");

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const run = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

/** A server on a port of its own, until `act` is done. */
async function serving(args: string[], act: (port: string) => void): Promise<string> {
  const child: ChildProcess = spawn(process.execPath, [
    MAIN,
    "device",
    "serve",
    "--port",
    "0",
    ...args,
  ]);
  let errors = "";
  child.stderr!.on("data", (text) => {
    errors += text;
  });
  try {
    const port = await new Promise<string>((ready, failed) => {
      child.stdout!.on("data", (text) => ready(/:(\d+)/.exec(String(text))?.[1] ?? ""));
      child.once("exit", () => failed(new Error(errors)));
    });
    act(port);
  } finally {
    child.kill();
    await new Promise((gone) => (child.exitCode === null ? child.once("exit", gone) : gone(0)));
  }
  return errors;
}

test("serve, connect and state tell one story", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  const pcap = join(folder, "talk.pcapng");
  const report = join(folder, "report.bin");
  const errors = await serving(["--seed", "cli", "--decode"], (port) => {
    const idle = run("device", "state", "--port", port);
    assert.match(idle.stdout, /^0xbeef CONFIG_UNLOCKED T-bit requests refused$/m);
    const kept = run(
      "tio",
      "connect",
      "--responder",
      `127.0.0.1:${port}`,
      "--keep",
      "--pcap",
      pcap,
      "--report",
      report,
    );
    assert.is(kept.status, 0, kept.stderr);
    assert.match(kept.stdout, /SPDM 1\.3, P-384, SHA-384, P-384, AES-256-GCM/);
    assert.match(kept.stdout, /no root given/);
    const running = run("device", "state", "--port", port);
    assert.match(running.stdout, /^0xbeef RUN T-bit requests admitted$/m);
    const json = JSON.parse(run("device", "state", "--port", port, "--json").stdout);
    assert.equal(json[0], { functionId: 0xbeef, state: "RUN", tee: true });
  });
  assert.match(errors, /emulated by Cloister/);
  assert.match(errors, /TDISP LOCK_INTERFACE_REQUEST, function 0x0000beef/);
  const { packets } = packetsOf(readFileSync(pcap));
  assert.is(
    packets.some((each) => each.comment.includes("START_INTERFACE_RESPONSE")),
    true,
  );
  assert.is(readFileSync(report).length > 100, true);
  // The report read from the one device is told by the next.
  await serving(["--tdi-report", report, "--fault", "stale-nonce"], (port) => {
    const again = run("tio", "connect", "--responder", `127.0.0.1:${port}`, "--spdm", "1.2");
    assert.is(again.status, 0, again.stderr);
    assert.match(again.stdout, /stopped, session ended/);
  });
  rmSync(folder, { recursive: true });
});

test("measurements and certificates come from files, and a bad signature is refused with exit code 2", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  const list = join(folder, "measurements.json");
  writeFileSync(
    list,
    JSON.stringify([{ index: 5, type: 7, value: "0102030405060708", raw: true }]),
  );
  await serving(["--measurements", list, "--fault", "bad-signature"], (port) => {
    const refused = run("tio", "connect", "--responder", `127.0.0.1:${port}`);
    assert.is(refused.status, 2);
    assert.match(refused.stderr, /signature of slot 0 is wrong/);
  });
  await serving(["--measurements", list], (port) => {
    const told = run("tio", "connect", "--responder", `127.0.0.1:${port}`);
    assert.match(told.stdout, /measurement 5, type 7 raw: 0102030405060708/);
  });
  rmSync(folder, { recursive: true });
});

/** A SEC1 private key. RFC 5915. */
function sec1(secret: Uint8Array): Uint8Array {
  return Der.tlv(Der.SEQUENCE, Der.integer(Uint8Array.of(1)), Der.tlv(Der.OCTET_STRING, secret));
}

function writeChain(folder: string, slot: Slot, key: Uint8Array): void {
  writeFileSync(join(folder, "slot0.p384.chain.der"), octets(...slot.p384!.certificates));
  const text = Buffer.from(sec1(key)).toString("base64");
  const pem = `-----BEGIN EC PRIVATE KEY-----\n${text}\n-----END EC PRIVATE KEY-----\n`;
  writeFileSync(join(folder, "slot0.p384.key.pem"), pem);
}

test("a chain given by file is the one the requester believes, and a foreign key is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cloister-"));
  const [slot, other] = emulatedSlots(nobleCurves, seeded("given"), 2);
  writeChain(folder, slot!, slot!.p384!.secret);
  const root = join(folder, "root.der");
  writeFileSync(root, slot!.p384!.certificates[0]!);
  await serving(["--certificates", folder], (port) => {
    const told = run("tio", "connect", "--responder", `127.0.0.1:${port}`, "--root", root);
    assert.is(told.status, 0, told.stderr);
    assert.match(told.stdout, /root believed/);
  });
  await serving([], (port) => {
    const refused = run("tio", "connect", "--responder", `127.0.0.1:${port}`, "--root", root);
    assert.is(refused.status, 2);
    assert.match(refused.stderr, /none of the roots given/);
  });
  writeChain(folder, slot!, other!.p384!.secret);
  const wrong = run("device", "serve", "--certificates", folder);
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, /the private key is not the leaf certificate's/);
  rmSync(folder, { recursive: true });
});

// biome-ignore format: a table
const WRONG: [args: string[], status: number, message: RegExp][] = [
  [["device"], 1, /expected serve or state/],
  [["device", "serve", "--port", "70000"], 1, /expected 0 to 65535/],
  [["device", "serve", "--transport", "mctp"], 1, /mctp/],
  [["device", "serve", "--slots", "9"], 1, /expected 1 to 8/],
  [["device", "serve", "--fault", "nonsense"], 1, /fault nonsense: unknown/],
  [["device", "serve", "--measurements", "/nowhere"], 2, /\/nowhere/],
  [["device", "serve", "--certificates", "/nowhere"], 2, /\/nowhere/],
  [["device", "serve", "--tdi-report", MAIN], 2, /range count|by its counts/],
  [["device", "state", "--port", "1"], 2, /ECONNREFUSED/],
  [["tio", "connect"], 1, /--responder/],
  [["tio", "connect", "--responder", "127.0.0.1:1"], 2, /ECONNREFUSED/],
  [["tio", "connect", "--responder", "x", "--spdm", "1.4"], 1, /expected 1\.1, 1\.2, 1\.3/],
];

for (const [args, status, message] of WRONG) {
  test(`"${args.map((each) => each.split("/").at(-1)).join(" ")}" ends with ${status} and says why`, () => {
    const ended = run(...args);
    assert.is(ended.status, status, ended.stderr);
    assert.match(ended.stderr, message);
  });
}
