import { assert, suite } from "../kit.ts";
import { statusName } from "../psp/rig.ts";
import { TioRig } from "./rig.ts";

const test = suite("SEV-TIO: a device is connected");

test("DEV_CONNECT gives root port and device the same six keys, and DEV_DISCONNECT takes them back", () => {
  const rig = new TioRig();
  const device = rig.connected();
  assert.is(rig.board.going.size, 2);
  const [port] = rig.device.functions;
  const stream = port!.streams[0]!;
  for (const sub of [0, 1, 2]) {
    const tx = rig.board.keys.get(`0 0 tx ${sub}`)!;
    const rx = rig.board.keys.get(`0 0 rx ${sub}`)!;
    assert.equal(tx.key, stream.receiveKey(sub, 0)!.key);
    assert.equal(rx.key, stream.transmitKey(sub)!.key.key);
  }
  assert.ok(stream.isSecure);
  assert.is(statusName(device.disconnect()), "SUCCESS");
  assert.is(rig.board.keys.size, 0);
  assert.not(stream.isSecure);
  assert.is(statusName(device.reclaim()), "SUCCESS");
});
