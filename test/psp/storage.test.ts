// What the platform keeps when power is lost; power.test.ts loses it at every command.
// SNP firmware ABI (AMD 56860), 3 and 8; docs/firmware.md.

import { composeTcb } from "../../dist/attest/index.js";
import { makeImage, wrapVlek } from "../../dist/index.js";
import * as LegacyDownload from "../../ts/abi/psp/download-firmware.ts";
import * as Commit from "../../ts/abi/psp/snp-commit.ts";
import * as Config from "../../ts/abi/psp/snp-config.ts";
import * as Download from "../../ts/abi/psp/snp-download-firmware-ex.ts";
import * as PlatformStatus from "../../ts/abi/psp/snp-platform-status.ts";
import * as StatusPage from "../../ts/abi/psp/snp-platform-status-page.ts";
import * as VlekLoad from "../../ts/abi/psp/snp-vlek-load.ts";
import * as Status from "../../ts/abi/status.ts";
import { assert, suite } from "../kit.ts";
import { Rig } from "./rig.ts";

const test = suite("what outlives power");

const tcb = (snp: number) => composeTcb({ bootloader: 10, tee: 0, snp, microcode: 88 }, "Genoa");
const image = (minor: number, build: number, svn: number, more = {}) =>
  makeImage({ product: "Genoa", version: { major: 1, minor, build }, svn, ...more });

type Storage = Map<string, Uint8Array>;
const board = (storage: Storage, initialise = true) => new Rig({ storage, initialise });

const factsOf = ({ psp: { platform } }: Rig) => ({
  current: platform.tcb.current,
  committed: platform.tcb.committed,
  reported: platform.tcb.reported,
  version: platform.version.current.build,
  vlek: platform.vlek?.tcb,
  masks: [platform.maskChipId, platform.maskChipKey],
});

const load = (rig: Rig, bytes: Uint8Array, status: number = Status.SUCCESS, COMMIT = 0) =>
  rig.expect(status, "SNP_DOWNLOAD_FIRMWARE_EX", Download, {
    LENGTH: Download.SIZE,
    FW_PADDR: rig.filled(bytes),
    FW_LEN: bytes.length,
    FLAGS: COMMIT,
  });
const commit = (rig: Rig) =>
  rig.expect(Status.SUCCESS, "SNP_COMMIT", Commit, { LENGTH: Commit.SIZE });
const configure = (rig: Rig, REPORTED_TCB: bigint, FLAGS = 0, status: number = Status.SUCCESS) =>
  rig.expect(status, "SNP_CONFIG", Config, { REPORTED_TCB, FLAGS });
const vlek = (rig: Rig, word: bigint, status: number = Status.SUCCESS, chip = "1") => {
  const stick = wrapVlek(chip, "Genoa", { seed: "provider", cspId: "CN=csp", tcb: word });
  const values = { LENGTH: VlekLoad.SIZE, VLEK_WRAPPED_PADDR: rig.filled(stick) };
  rig.expect(status, "SNP_VLEK_LOAD", VlekLoad, values);
};

test("new firmware runs at once and is lost with power until it is committed; then nothing older is taken", () => {
  const storage: Storage = new Map();
  const first = board(storage);
  load(first, image(56, 1, 24));
  assert.equal([factsOf(first).current, factsOf(first).committed], [tcb(24), tcb(23)]);
  const second = board(storage);
  assert.equal([factsOf(second).current, factsOf(second).version], [tcb(23), 29], "lost");
  load(second, image(56, 1, 24));
  load(second, image(55, 29, 23));
  assert.is(factsOf(second).current, tcb(23), "taken back: it was not committed");
  load(second, image(56, 1, 24));
  commit(second);
  const third = board(storage);
  const committed = factsOf(third);
  assert.equal([committed.current, committed.committed, committed.version], [tcb(24), tcb(24), 1]);
  load(third, image(55, 99, 24), Status.BAD_VERSION);
  load(third, image(56, 0, 24), Status.BAD_VERSION);
  load(third, image(56, 1, 23), Status.BAD_SVN);
  load(third, image(56, 2, 24), Status.SUCCESS, 1);
  assert.is(factsOf(board(storage)).version, 2, "COMMIT in the same command");
});

test("an image is refused that is not signed, not for this product, not whole, or wants SNP shut down", () => {
  const rig = board(new Map());
  const good = image(56, 1, 24, { shutdownRequired: true });
  const wrong = good.slice();
  wrong[20]! ^= 1;
  load(rig, wrong, Status.BAD_SIGNATURE);
  load(
    rig,
    makeImage({ product: "Milan", version: { major: 1, minor: 56, build: 1 }, svn: 24 }),
    Status.INVALID_CONFIG,
  );
  load(rig, good.subarray(0, 100), Status.INVALID_LENGTH);
  load(rig, good, Status.SHUTDOWN_REQUIRED);
  rig.shutDown();
  load(rig, good);
  const early = board(new Map(), false);
  const values = { FW_PADDR: early.filled(good), FW_LENGTH: good.length };
  early.expect(Status.SUCCESS, "DOWNLOAD_FIRMWARE", LegacyDownload, values);
  assert.is(factsOf(early).current, tcb(24));
});

test("reports show a TCB that was committed or an older one, component by component, and the choice outlives power", () => {
  const storage: Storage = new Map();
  const rig = board(storage);
  configure(rig, tcb(24), 0, Status.INVALID_PARAM);
  configure(rig, tcb(23) | 0xff00_0000n, 0, Status.INVALID_PARAM);
  configure(
    rig,
    composeTcb({ bootloader: 11, tee: 0, snp: 0, microcode: 0 }, "Genoa"),
    0,
    Status.INVALID_PARAM,
  );
  configure(rig, tcb(20), 3);
  const kept = factsOf(board(storage));
  assert.equal([kept.reported, kept.committed, kept.masks], [tcb(20), tcb(23), [true, true]]);
  configure(rig, 0n);
  assert.equal([factsOf(rig).reported, factsOf(rig).masks], [tcb(23), [false, false]]);
});

test("a VLEK is for one chip and one TCB; it outlives power, and goes when another TCB is reported", () => {
  const storage: Storage = new Map();
  const rig = board(storage);
  vlek(rig, tcb(23), Status.INVALID_KEY, "another chip");
  vlek(rig, tcb(22), Status.BAD_SVN);
  vlek(rig, tcb(23));
  assert.is(factsOf(board(storage)).vlek, tcb(23));
  configure(rig, tcb(23));
  assert.is(factsOf(rig).vlek, tcb(23), "the same TCB");
  configure(rig, tcb(22));
  assert.is(factsOf(rig).vlek, undefined);
  assert.is(factsOf(board(storage)).vlek, undefined);
  vlek(rig, tcb(22));
  load(rig, image(56, 1, 24));
  assert.is(factsOf(rig).vlek, tcb(22), "new firmware alone does not touch it");
  commit(rig);
  assert.is(factsOf(rig).vlek, undefined);
});

test("another chip's flash, or one that was altered, is refused by name", () => {
  const storage: Storage = new Map();
  board(storage);
  assert.throws(() => new Rig({ storage, seed: 2n }), /storage "snp".*not sealed/);
  const bytes = storage.get("snp")!.slice();
  bytes[30]! ^= 1;
  assert.throws(() => board(new Map([["snp", bytes]])), /storage "snp"/);
});

test("each life of a platform draws keys of its own", () => {
  const storage: Storage = new Map();
  const keyOf = (rig: Rig) => {
    const guest = rig.psp.contexts.open(rig.start());
    return Buffer.from((guest as { vek: Uint8Array }).vek).toString("hex");
  };
  const [a, b] = [keyOf(board(storage)), keyOf(board(storage))];
  assert.is.not(a, b);
  assert.is(keyOf(board(new Map())), a, "one seed and one flash give one machine");
});

test("PLATFORM_STATUS shows versions, TCBs, masks and how many guests there are", () => {
  const rig = board(new Map());
  configure(rig, tcb(22), 1);
  load(rig, image(56, 7, 24));
  rig.running(1);
  const STATUS_PADDR = rig.firmwarePage();
  rig.expect(Status.INVALID_PAGE_STATE, "SNP_PLATFORM_STATUS", PlatformStatus, {
    STATUS_PADDR: rig.page(),
  });
  rig.expect(Status.SUCCESS, "SNP_PLATFORM_STATUS", PlatformStatus, { STATUS_PADDR });
  const page = rig.takeBack(STATUS_PADDR);
  const view = new DataView(page.buffer);
  assert.equal([...page.subarray(0, 4)], [1, 56, 1, 0b11]);
  assert.is(view.getUint32(StatusPage.BUILD_ID, true), 7);
  assert.is(view.getUint32(StatusPage.GUEST_COUNT, true), 1);
  assert.is(view.getUint32(StatusPage.FEATURES, true) & 0b111, 0b001);
  assert.is(view.getBigUint64(StatusPage.CURRENT_TCB, true), tcb(24));
  assert.is(view.getBigUint64(StatusPage.REPORTED_TCB, true), tcb(22));
});
