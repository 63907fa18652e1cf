// /dev/sev-guest and configfs-tsm over the channel: sizes, errors, generations. Linux uapi sev-guest.h; drivers/virt/coco/tsm.c.
import * as Linux from "../../dist/abi/sev-guest.js";
import { parseReport } from "../../dist/attest/index.js";
import { ioctl } from "../../dist/guest/sev-guest.js";
import { FileError, TsmReports, tableLength } from "../../dist/guest/tsm-report.js";
import { assert, suite } from "../kit.ts";
import { roadOf, run } from "./road.ts";

const test = suite("guest devices");

const extended = (room: number) => {
  const request = new Uint8Array(112);
  new DataView(request.buffer).setUint32(0x68, room, true);
  return request;
};

test("an ioctl has Linux's sizes both ways, and what is not one is refused before anything is sent", () => {
  const road = roadOf();
  const ask = (command: number, version: number, request: Uint8Array) =>
    run(ioctl(road.messages, command, version, request));
  const report = ask(Linux.SNP_GET_REPORT, 1, new Uint8Array(96));
  assert.equal([report.errno, report.response.length], [0, 4000]);
  assert.is(parseReport(report.response.slice(0x20, 0x20 + 1184)).signingKey, "VCEK");
  const key = ask(Linux.SNP_GET_DERIVED_KEY, 1, new Uint8Array(32));
  assert.equal([key.errno, key.response.length], [0, 64]);
  assert.ok(key.response.subarray(32).some((byte) => byte !== 0));
  const sent = road.seen.length;
  const wrong: [number, number, Uint8Array, number][] = [
    [Linux.SNP_GET_REPORT, 0, new Uint8Array(96), Linux.EINVAL],
    [Linux.SNP_GET_REPORT, 1, new Uint8Array(95), Linux.EINVAL],
    [Linux.SNP_GET_DERIVED_KEY, 1, new Uint8Array(96), Linux.EINVAL],
    [Linux.SNP_GET_EXT_REPORT, 1, extended(1), Linux.EINVAL],
    [Linux.SNP_GET_EXT_REPORT, 1, extended(0x5000), Linux.EINVAL],
    [Linux.SNP_GET_EXT_REPORT + 1, 1, new Uint8Array(96), Linux.ENOTTY],
    [0, 1, new Uint8Array(96), Linux.ENOTTY],
  ];
  for (const [command, version, request, errno] of wrong)
    assert.is(ask(command, version, request).errno, errno);
  assert.is(road.seen.length, sent);
});

test("an extended report says by exitinfo2 and certs_len how much room it wants", () => {
  const table = new Uint8Array(0x1800).fill(1);
  const road = roadOf({ table });
  const short = run(ioctl(road.messages, Linux.SNP_GET_EXT_REPORT, 1, extended(0x1000)));
  assert.equal(
    [short.errno, short.fwError, short.vmmError, short.certsLength],
    [Linux.EIO, 0, 1, 0x2000],
  );
  const whole = run(ioctl(road.messages, Linux.SNP_GET_EXT_REPORT, 1, extended(0x2000)));
  assert.equal([whole.errno, whole.certsLength], [0, 0x2000]);
  assert.equal(whole.certificates.slice(0, 0x1800), table);
});

const errnoOf = (act: () => unknown): number => {
  try {
    act();
  } catch (error) {
    if (error instanceof FileError) return error.errno;
    throw error;
  }
  return 0;
};

test("configfs-tsm makes a report of the last inblob, anew only after a write", () => {
  const road = roadOf();
  const tsm = new TsmReports(road.messages, 0);
  const read = (attribute: string) => run(tsm.read("r", attribute));
  const text = (attribute: string) => new TextDecoder().decode(read(attribute));
  tsm.mkdir("r");
  assert.is(
    errnoOf(() => tsm.mkdir("r")),
    Linux.EEXIST,
  );
  assert.equal(
    [text("provider"), text("generation"), text("privlevel_floor")],
    ["sev_guest\n", "0\n", "0\n"],
  );
  assert.is(
    errnoOf(() => read("outblob")),
    Linux.EINVAL,
  );
  tsm.write("r", "inblob", new Uint8Array(64).fill(7));
  tsm.write("r", "privlevel", new TextEncoder().encode("2\n"));
  assert.is(text("generation"), "2\n");
  const first = parseReport(read("outblob"));
  assert.equal([first.vmpl, first.reportData[0]], [2, 7]);
  read("outblob");
  read("auxblob");
  assert.is(road.seen.length, 1, "one report for one generation");
  tsm.write("r", "inblob", new Uint8Array(64).fill(8));
  assert.is(parseReport(read("outblob")).reportData[0], 8);
  assert.is(road.seen.length, 2);
  const wrong: [() => unknown, number][] = [
    [() => tsm.write("r", "inblob", new Uint8Array(65)), Linux.EINVAL],
    [() => tsm.write("r", "inblob", new Uint8Array(0)), Linux.EINVAL],
    [() => tsm.write("r", "privlevel", new TextEncoder().encode("4")), Linux.EINVAL],
    [() => tsm.write("r", "privlevel", new TextEncoder().encode("-1")), Linux.EINVAL],
    [() => tsm.write("r", "outblob", new Uint8Array(1)), Linux.EACCES],
    [() => tsm.write("r", "nothing", new Uint8Array(1)), Linux.ENOENT],
    [() => read("inblob"), Linux.EACCES],
    [() => read("nothing"), Linux.ENOENT],
    [() => run(tsm.read("other", "outblob")), Linux.ENOENT],
    [() => tsm.mkdir("a/b"), Linux.EINVAL],
  ];
  for (const [act, errno] of wrong) assert.is(errnoOf(act), errno);
  assert.is(text("generation"), "3\n", "what is refused counts as no write");
  tsm.rmdir("r");
  assert.is(
    errnoOf(() => read("provider")),
    Linux.ENOENT,
  );
});

test("configfs-tsm wants 64 bytes, and refuses a VMPL above the guest's", () => {
  const road = roadOf({}, undefined, 2);
  const tsm = new TsmReports(road.messages, 2);
  tsm.mkdir("r");
  assert.is(
    errnoOf(() => tsm.write("r", "privlevel", new TextEncoder().encode("1"))),
    Linux.EINVAL,
  );
  tsm.write("r", "inblob", new Uint8Array(32));
  assert.is(
    errnoOf(() => run(tsm.read("r", "outblob"))),
    Linux.EINVAL,
  );
  tsm.write("r", "inblob", new Uint8Array(64));
  assert.is(parseReport(run(tsm.read("r", "outblob"))).vmpl, 2);
});

test("the auxblob ends with the last certificate, whatever the host wrote", () => {
  const table = (...entries: [number, number][]) => {
    const bytes = new Uint8Array(0x1000);
    entries.forEach(([offset, length], i) => {
      bytes.fill(1, 24 * i, 24 * i + 16);
      new DataView(bytes.buffer).setUint32(24 * i + 16, offset, true);
      new DataView(bytes.buffer).setUint32(24 * i + 20, length, true);
    });
    return bytes;
  };
  assert.is(tableLength(table()), 0);
  assert.is(tableLength(table([72, 100], [172, 5])), 177);
  assert.is(tableLength(table([0xffffffff, 0xffffffff])), 0x1000);
  assert.is(tableLength(table([0, 0])), 0);
  assert.is(tableLength(new Uint8Array(0x1000).fill(1)), 0, "no end");
});
