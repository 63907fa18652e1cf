// What a guest's owner decides: its policy, its migration agent, and the ID block that LAUNCH_FINISH checks. AMD 56860, 4.3 and 8.18.
import { createCipheriv } from "node:crypto";
import { p384 } from "@noble/curves/nist.js";
import { sha384 } from "@noble/hashes/sha2.js";
import { composeIdBlock, signIdBlock } from "../../dist/launch/identity/id-block.js";
import * as IdAuth from "../../ts/abi/id-auth.ts";
import * as IdBlock from "../../ts/abi/id-block.ts";
import * as Finish from "../../ts/abi/psp/snp-launch-finish.ts";
import * as Start from "../../ts/abi/psp/snp-launch-start.ts";
import * as Status from "../../ts/abi/status.ts";
import { bit, hex, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import { MIGRATE_MA, POLICY, Rig } from "./rig.ts";

const test = suite("a guest's owner");

const PAGE = 0x1000;

const guestAt = (rig: Rig, gctx: bigint) => {
  const guest = rig.psp.contexts.open(gctx);
  assert.type(guest, "object");
  return guest as Exclude<typeof guest, number>;
};

const key = (value: number) => {
  const secret = new Uint8Array(48).fill(value);
  return { secret, point: p384.getPublicKey(secret, false).slice(1) };
};

/** A guest with one page, and an ID block that is right for it. */
function signedLaunch(policy = POLICY) {
  const rig = new Rig();
  const gctx = rig.launched(1, policy);
  rig.update(gctx, 1, 0n, pattern(PAGE, 4));
  const digest = guestAt(rig, gctx).measurement;
  const block = composeIdBlock({
    digest,
    policy,
    familyId: pattern(16, 1),
    imageId: pattern(16, 2),
    guestSvn: 7,
  });
  const auth = signIdBlock(block, key(1), key(2));
  const finish = (
    status: number,
    change: (block: Uint8Array, auth: Uint8Array) => void,
    FLAGS = 3,
  ) => {
    const [b, a] = [block.slice(), auth.slice()];
    change(b, a);
    const values = {
      GCTX_PADDR: gctx,
      FLAGS,
      ID_BLOCK_PADDR: rig.filled(b),
      ID_AUTH_PADDR: rig.filled(a),
    };
    rig.expect(status, "SNP_LAUNCH_FINISH", Finish, { ...values, HOST_DATA: pattern(32, 5) });
  };
  return { rig, gctx, block, auth, finish };
}

test("LAUNCH_FINISH takes what the owner signed, for the digest and policy that are there", () => {
  const { rig, gctx, auth, finish } = signedLaunch();
  finish(Status.SUCCESS, () => {});
  const { idBlock, hostData, state } = guestAt(rig, gctx);
  assert.is(state, 2);
  assert.is(hex(hostData), hex(pattern(32, 5)));
  assert.is(hex(idBlock!.familyId), hex(pattern(16, 1)));
  assert.is(hex(idBlock!.imageId), hex(pattern(16, 2)));
  assert.is(idBlock!.guestSvn, 7);
  const digestOf = (at: number) => hex(sha384(auth.subarray(at, at + 0x404)));
  assert.is(hex(idBlock!.idKeyDigest), digestOf(IdAuth.ID_KEY));
  assert.is(hex(idBlock!.authorKeyDigest), digestOf(IdAuth.AUTHOR_KEY));
});

test("LAUNCH_FINISH refuses another digest, policy, version, algorithm, curve or signature, and the guest waits", () => {
  const { finish } = signedLaunch();
  const flip = (bytes: Uint8Array, at: number) => {
    bytes[at]! ^= 1;
  };
  finish(Status.BAD_MEASUREMENT, (block) => flip(block, IdBlock.LD));
  finish(Status.POLICY_FAILURE, (block) => flip(block, IdBlock.POLICY + 2));
  finish(Status.INVALID_PARAM, (block) => flip(block, IdBlock.VERSION));
  finish(Status.INVALID_PARAM, (_, auth) => flip(auth, IdAuth.ID_KEY_ALGO));
  finish(Status.INVALID_PARAM, (_, auth) => flip(auth, IdAuth.AUTH_KEY_ALGO));
  finish(Status.BAD_SIGNATURE, (_, auth) => flip(auth, IdAuth.ID_KEY));
  finish(Status.BAD_SIGNATURE, (block) => flip(block, IdBlock.GUEST_SVN));
  finish(Status.BAD_SIGNATURE, (_, auth) => flip(auth, IdAuth.ID_BLOCK_SIG));
  finish(Status.BAD_SIGNATURE, (_, auth) => flip(auth, IdAuth.ID_KEY_SIG));
  finish(Status.INVALID_PARAM, () => {}, 2);
  finish(Status.SUCCESS, (_, auth) => flip(auth, IdAuth.ID_KEY_SIG), 1);
});

test("a policy that the platform does not keep is refused at launch", () => {
  const rig = new Rig();
  const GCTX_PADDR = rig.create();
  const refused: [string, bigint][] = [
    ["bit 17", POLICY & ~bit(17)],
    ["a newer ABI", POLICY | 0xff00n],
    ["a newer minor ABI", POLICY | 0x0138n],
    ["SMT is on", POLICY & ~bit(16)],
    ["RAPL", POLICY | bit(23)],
    ["ciphertext hiding", POLICY | bit(24)],
    ["reserved", POLICY | bit(26)],
    ["reserved", POLICY | bit(63)],
  ];
  for (const [why, policy] of refused)
    rig.expect(
      Status.POLICY_FAILURE,
      "SNP_LAUNCH_START",
      Start,
      { GCTX_PADDR, POLICY: policy },
      why,
    );
  const kept = POLICY | 0x0137n | bit(20) | bit(21) | bit(25);
  rig.expect(Status.SUCCESS, "SNP_LAUNCH_START", Start, { GCTX_PADDR, POLICY: kept });
  const milan = new Rig({ chip: "milan" });
  const AES_256 = { GCTX_PADDR: milan.create(), POLICY: POLICY | bit(22) };
  milan.expect(Status.POLICY_FAILURE, "SNP_LAUNCH_START", Start, AES_256, "AES-256-XTS");
  const calm = new Rig({ chip: "turin", initialise: false, smt: false });
  calm.init((1 << 0) | (1 << 2) | (1 << 3), { MAX_SNP_ASID: 50 });
  calm.start(bit(17) | bit(23) | bit(24));
});

test("a migration agent is named at launch or never, and only where the policy allows one", () => {
  const rig = new Rig();
  const agent = rig.running(1);
  const MA = { FLAGS: 1 << Start.MA_EN_BIT };
  const start = (
    status: number,
    policy: bigint,
    MA_GCTX_PADDR: bigint,
    GCTX_PADDR = rig.create(),
  ) =>
    rig.expect(status, "SNP_LAUNCH_START", Start, {
      GCTX_PADDR,
      POLICY: policy,
      MA_GCTX_PADDR,
      ...MA,
    });
  start(Status.POLICY_FAILURE, POLICY, agent);
  start(Status.INVALID_GUEST, POLICY | MIGRATE_MA, rig.page());
  start(Status.INVALID_GUEST_STATE, POLICY | MIGRATE_MA, rig.create());
  const self = rig.create();
  start(Status.INVALID_GUEST, POLICY | MIGRATE_MA, self, self);
  const gctx = rig.create();
  start(Status.SUCCESS, POLICY | MIGRATE_MA, agent, gctx);
  assert.is(hex(guestAt(rig, gctx).reportIdMa), hex(guestAt(rig, agent).reportId));
});

test("every guest has keys and a name of its own, and one seed makes them again", () => {
  const keys = () => {
    const rig = new Rig();
    return [rig.start(), rig.start()].flatMap((gctx) => {
      const { vek, oek, vmpck, reportId } = guestAt(rig, gctx);
      return [vek, oek, ...vmpck, reportId].map(hex);
    });
  };
  const made = keys();
  assert.is(new Set(made).size, made.length);
  assert.equal(keys(), made);
});

test("with ciphertext hiding the host reads ones where a guest's memory is, without it ciphertext", () => {
  const hidden = new Rig({ chip: "turin", initialise: false });
  hidden.hide(50);
  const shown = new Rig({ chip: "turin" });
  const ones = hex(new Uint8Array(PAGE).fill(0xff));
  for (const [rig, isHidden] of [
    [hidden, true],
    [shown, false],
  ] as const) {
    const gctx = rig.launched(1);
    const spa = rig.update(gctx, 1, 0n, pattern(PAGE, 6));
    assert.is(hex(rig.read(spa)) === ones, isHidden);
    assert.is(hex(rig.plain(spa, 1)), hex(pattern(PAGE, 6)));
    const chips = rig.lab.dram(spa, 16);
    assert.is.not(hex(chips), ones.slice(0, 32), "the chips hold ciphertext in any case");
  }
});

test("a guest that requires AES-256-XTS has its pages in it, whatever the platform's own mode", () => {
  for (const chip of ["genoa", "turin"] as const) {
    const rig = new Rig({ chip });
    const gctx = rig.launched(1, POLICY | bit(22));
    const spa = rig.update(gctx, 1, 0n, pattern(PAGE, 6));
    const { vek, tweakKey } = guestAt(rig, gctx);
    const unit = new Uint8Array(16);
    new DataView(unit.buffer).setBigUint64(0, spa >> 12n, true);
    const openssl = createCipheriv("aes-256-xts", Buffer.concat([vek, tweakKey]), unit);
    assert.is(hex(rig.lab.dram(spa, PAGE)), hex(openssl.update(pattern(PAGE, 6))));
    assert.is(hex(rig.plain(spa, 1)), hex(pattern(PAGE, 6)));
    const other = rig.launched(2);
    assert.equal(
      [vek, guestAt(rig, other).vek].map(({ length }) => length),
      [32, 16],
    );
  }
});
