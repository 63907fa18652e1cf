import { createDecipheriv } from "node:crypto";
import { PcieFunction } from "../../dist/pcie/function.js";
import { type IdeTlp, openTlp, sealTlp } from "../../dist/pcie/link.js";
import { RootPort } from "../../dist/pcie/root-port.js";
import { hex } from "../../dist/spdm/octets.js";
import { lockInterface, startInterface } from "../../dist/tsm/connect.js";
import { rig, TDI } from "../device/rig.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a link under IDE");

const header = Uint8Array.of(0x60, 0, 0, 1);
const payload = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A device with a started interface, and the root port's end of its stream. */
function link() {
  const made = rig(TOY, TOY);
  const connected = made.connect();
  const { nonce } = made.run(lockInterface(connected, TDI));
  made.run(startInterface(connected, TDI, nonce));
  const port = new PcieFunction({ functionId: 8, bars: [] });
  const host = new RootPort();
  host.setupStream(port, { streamId: 0, enable: false });
  const stream = port.streams[0]!;
  // What the device receives with, the root port transmits with.
  for (const [lane, key] of connected.keys) {
    assert.is(stream.program(lane ^ 2, key.slice(), 1n, 1), true);
    assert.is(stream.go(lane ^ 2), true);
  }
  assert.is(stream.isSecure, false);
  assert.is(host.enableStream(port), true);
  return {
    made,
    root: stream,
    device: made.device.functions[1]!.streams[0]!,
    keys: connected.keys,
  };
}

test("what the root port seals the device opens, and the other way round", () => {
  const { root, device } = link();
  for (let n = 0; n < 5; n++) {
    for (const subStream of [0, 1, 2]) {
      const down = sealTlp(root, { subStream, tee: true, header }, payload)!;
      assert.is(hex(openTlp(device, down)!), hex(payload));
      const up = sealTlp(device, { subStream, tee: true, header }, payload)!;
      assert.is(hex(openTlp(root, up)!), hex(payload));
    }
  }
});

test("the sealed octets are AES-256-GCM under the key the TSM programmed, as OpenSSL has it", () => {
  const { root, keys } = link();
  const tlp = sealTlp(root, { subStream: 1, tee: true, header }, payload)!;
  const iv = Buffer.from("100000000000000000000001", "hex");
  const gcm = createDecipheriv("aes-256-gcm", keys.get(0x10)!, iv, { authTagLength: 12 });
  gcm.setAAD(Uint8Array.of(0, 1, 1, ...header)).setAuthTag(tlp.mac);
  assert.is(gcm.update(tlp.sealed, undefined, "hex") + gcm.final("hex"), hex(payload));
});

// biome-ignore format: a table
const ATTACKS: [what: string, change: (tlp: IdeTlp) => IdeTlp][] = [
  ["a changed payload", (tlp) => ({ ...tlp, sealed: tlp.sealed.map((each, i) => (i === 0 ? each ^ 1 : each)) })],
  ["a changed header",  (tlp) => ({ ...tlp, header: header.map((each, i) => (i === 3 ? each ^ 1 : each)) })],
  ["a forged T bit",    (tlp) => ({ ...tlp, tee: false })],
  ["another MAC",       (tlp) => ({ ...tlp, mac: new Uint8Array(12) })],
  ["a shorter MAC",     (tlp) => ({ ...tlp, mac: tlp.mac.subarray(0, 4) })],
];

for (const [what, change] of ATTACKS) {
  test(`${what} makes the stream Insecure and sends the interface to ERROR`, () => {
    const { made, root, device } = link();
    const tlp = sealTlp(root, { subStream: 0, tee: true, header }, payload)!;
    assert.is(openTlp(device, change(tlp)), undefined);
    assert.is(device.isSecure, false);
    assert.is(device.hasKeys, false);
    assert.is(made.device.states()[0]!.state, "ERROR");
    assert.is(sealTlp(device, { subStream: 0, tee: true, header }, payload), undefined);
  });
}

test("a repeated TLP is not opened a second time", () => {
  const { root, device } = link();
  const tlp = sealTlp(root, { subStream: 0, tee: true, header }, payload)!;
  assert.is(hex(openTlp(device, tlp)!), hex(payload));
  assert.is(openTlp(device, tlp), undefined);
  assert.is(device.isSecure, false);
});
