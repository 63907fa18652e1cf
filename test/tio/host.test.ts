// The host's nodes: what each answers, and the errno of each misuse, as Linux's sysfs-bus-pci and sysfs-class-tsm have it.
import { createPlatform, type Platform } from "../../dist/index.js";
import * as Config from "../../ts/abi/config-space.ts";
import { MIB, withCore } from "../core.ts";
import { TOY } from "../device/toy.ts";
import { assert, suite } from "../kit.ts";

const test = suite("tsm0: the host's nodes");

const PF0 = "/sys/bus/pci/devices/0000:01:00.0/";
const VF = "/sys/bus/pci/devices/0000:01:00.1/";
const BRIDGE = "/sys/devices/pci0000:00/";
const behaviour = () => ({ load() {}, store() {}, reset() {} });

function machine(count = 1): Platform {
  const devices = Array.from({ length: count }, () => ({ behaviour, vfs: 1 }));
  return createPlatform({
    generation: "sev-tio",
    resident: 64 * MIB,
    devices,
    ...withCore,
    ...TOY,
  });
}

const tsmOf = (platform: Platform) => platform.hypervisor.tsm!;

/** Throws unless the act fails with an errno. */
function refused(errno: string, act: () => unknown): void {
  assert.throws(act, new RegExp(`^${errno}:`));
}

test("the secure processor is tsm0, a link TSM; a device with IDE has its nodes, its virtual functions have none yet", () => {
  const tsm = tsmOf(machine());
  assert.is(tsm.read("/sys/class/tsm/"), "tsm0\n");
  assert.is(tsm.read("/sys/class/tsm/tsm0/pci_mode"), "link\n");
  assert.equal(
    tsm.capable().map(({ name }) => name),
    ["0000:01:00.0"],
  );
  for (const node of ["tsm/connect", "tsm/dsm", "tsm/bound", "authenticated"])
    assert.is(tsm.read(PF0 + node), "\n", node);
  for (const path of [`${VF}tsm/dsm`, `${VF}tsm/connect`, `${PF0}tsm/lock`, "/sys/bus/pci/x"])
    refused("ENOENT", () => tsm.read(path));
});

test("tsm/connect answers EINVAL, EBUSY and ENXIO in Linux's order, and makes a Secure stream", () => {
  const platform = machine();
  const tsm = tsmOf(platform);
  const connect = `${PF0}tsm/connect`;
  for (const text of ["", "tsm", "tsmx", "tsm0 ", "TSM0"])
    refused("EINVAL", () => tsm.write(connect, text));
  refused("ENXIO", () => tsm.write(connect, "tsm1\n"));
  assert.is(tsm.read(`${BRIDGE}available_secure_streams`), "256\n");
  tsm.write(connect, "tsm0\n");
  for (const text of ["tsm0", "tsm1"]) refused("EBUSY", () => tsm.write(connect, text));
  refused("EINVAL", () => tsm.write(connect, "x"));
  for (const node of ["tsm/connect", "authenticated"]) assert.is(tsm.read(PF0 + node), "tsm0\n");
  for (const path of [`${PF0}tsm/dsm`, `${VF}tsm/dsm`]) assert.is(tsm.read(path), "0000:01:00.0\n");
  assert.is(tsm.read(`${VF}tsm/bound`), "\n");
  assert.is(tsm.read(`${BRIDGE}available_secure_streams`), "255\n");
  assert.is(tsm.read(`${BRIDGE}stream0.0.0`), "0000:01:00.0\n");
  assert.ok(tsm.connected(0x100).stream.isSecure);
});

test("tsm/disconnect answers ENXIO and EINVAL; after it nothing is left of the stream", () => {
  const platform = machine();
  const tsm = tsmOf(platform);
  const disconnect = `${PF0}tsm/disconnect`;
  refused("ENXIO", () => tsm.write(disconnect, "tsm0"));
  tsm.write(`${PF0}tsm/connect`, "tsm0");
  refused("EINVAL", () => tsm.write(disconnect, "tsm1"));
  tsm.write(disconnect, "tsm0\n");
  assert.is(tsm.read(`${PF0}tsm/connect`), "\n");
  assert.is(tsm.read(`${BRIDGE}available_secure_streams`), "256\n");
  refused("ENOENT", () => tsm.read(`${BRIDGE}stream0.0.0`));
  const { port } = platform.board!.devices[0]!;
  const left = port.streams.filter((each) => !each.isLink && (each.isConfigured || each.hasKeys));
  assert.equal(left, []);
});

test("a node that is only read or only written answers EACCES to the other", () => {
  const tsm = tsmOf(machine());
  refused("EACCES", () => tsm.read(`${PF0}tsm/disconnect`));
  for (const node of ["tsm/dsm", "tsm/bound", "authenticated"])
    refused("EACCES", () => tsm.write(PF0 + node, "tsm0"));
});

test("a device that does not answer is EIO, one that answers wrong EINVAL; both can be tried again", () => {
  const platform = machine();
  const tsm = tsmOf(platform);
  const { device } = platform.board!.devices[0]!;
  const { exchange } = device;
  const connect = `${PF0}tsm/connect`;
  let left = 9;
  device.exchange = (object) => (left-- > 0 ? exchange.call(device, object) : undefined);
  refused("EIO", () => tsm.write(connect, "tsm0"));
  left = 9;
  device.exchange = (object) => {
    const answer = exchange.call(device, object);
    if (left-- === 0) answer![12]! ^= 1;
    return answer;
  };
  refused("EINVAL", () => tsm.write(connect, "tsm0"));
  device.exchange = exchange;
  tsm.write(connect, "tsm0");
  assert.is(tsm.read(connect), "tsm0\n");
});

test("a device without a mailbox is ENXIO; each device has its own root port and stream", () => {
  const platform = machine(3);
  const tsm = tsmOf(platform);
  for (const bus of ["01", "02"])
    tsm.write(`/sys/bus/pci/devices/0000:${bus}:00.0/tsm/connect`, "tsm0");
  assert.equal([tsm.connected(0x100).stream.id, tsm.connected(0x200).stream.id], [0, 1]);
  const { octets } = platform.board!.devices[2]!.port.config;
  // The first extended capability, DOE, becomes an empty one.
  octets[Config.EXTENDED_START] = 0;
  refused("ENXIO", () => tsm.write("/sys/bus/pci/devices/0000:03:00.0/tsm/connect", "tsm0"));
});
