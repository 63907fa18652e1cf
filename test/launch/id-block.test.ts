// ID blocks before virtee's and sev-snp-measure's own vectors, and keys as openssl writes them.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { sha384 } from "@noble/hashes/sha2.js";
import * as Auth from "../../ts/abi/id-auth.ts";
import * as Block from "../../ts/abi/id-block.ts";
import { base64, concat, hex, unbase64, unhex } from "../../ts/attest/bytes.ts";
import { pem } from "../../ts/attest/pem.ts";
import {
  composeIdAuth,
  composeIdBlock,
  composePublicKey,
  isSigned,
  publicKeyDigest,
  signIdBlock,
} from "../../ts/launch/identity/id-block.ts";
import { parsePrivateKey } from "../../ts/launch/identity/private-key.ts";
import { assert, skip, suite } from "../kit.ts";

const test = suite("an ID block");

const vector = (name: string) => `../shared/vectors/${name}`;
const NAMES = ["test_auth_block.bin", "test_id_sig.bin", "test_auth_sig.bin"];
const present = NAMES.every((name) => existsSync(vector(name)));
if (!present) skip("virtee's ID block", "no ../shared/vectors/test_auth_block.bin");
const read = (name: string) => new Uint8Array(readFileSync(vector(name)));

const plain = (text: string) => unbase64(text) as Uint8Array;
const VIRTEE_LD =
  "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd13d214b35c231715b38e263dc6059745";

test("has sev-snp-measure's and virtee's bytes for their digests and policy 0x30000", () => {
  const digest = plain("B28FLQi9p6cAqipgjFyqawDrrSl7bWioWkWx5mmlWLZ+G5HShKMB/mPE+gdQRn7t");
  const expected =
    "B28FLQi9p6cAqipgjFyqawDrrSl7bWioWkWx5mmlWLZ+G5HShKMB/mPE+gdQRn7t" +
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAwAAAAAA";
  assert.is(base64(composeIdBlock({ digest })), expected);
  const virtee = composeIdBlock({ digest: unhex(VIRTEE_LD) as Uint8Array, policy: 0x30000n });
  assert.is(hex(virtee), `${VIRTEE_LD}${"00".repeat(32)}01000000000000000000030000000000`);
});

test("verifies with virtee's signatures, and ID auth is composed to virtee's bytes", () => {
  if (!present) return;
  const [auth, blockSignature, keySignature] = NAMES.map(read) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const idKey = auth.slice(Auth.ID_KEY, Auth.RESERVED_644);
  const authorKey = auth.slice(Auth.AUTHOR_KEY, Auth.RESERVED_C84);
  assert.equal(composeIdAuth({ blockSignature, idKey, author: { keySignature, authorKey } }), auth);
  const block = composeIdBlock({ digest: unhex(VIRTEE_LD) as Uint8Array });
  assert.ok(isSigned(block, blockSignature, idKey));
  assert.ok(isSigned(idKey, keySignature, authorKey));
  assert.not(isSigned(idKey, blockSignature, authorKey));
  assert.is(
    base64(sha384(idKey)),
    "WfssaG36T+9J84M5qndckAUcKNVzg93DuvO160sUlt87DbvcuuX+J2d6ZEggdz/i",
  );
  assert.is(
    base64(sha384(authorKey)),
    "7tgRafsMteDsNHlPEo/U4MSkb2fGWhrfqB/LJLzAiMJyNpt//D6ytq9qQoShs2xf",
  );
});

// A key for tests: the scalar 7, written by hand in both forms.
const secret = concat(new Uint8Array(47), Uint8Array.of(7));
const SECP384R1 = Uint8Array.of(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22);
const EC = Uint8Array.of(0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
const der = (tag: number, ...parts: Uint8Array[]) => {
  const content = concat(...parts);
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return concat(Uint8Array.of(tag, ...length), content);
};
const one = Uint8Array.of(2, 1, 1);
const zero = Uint8Array.of(2, 1, 0);
const sec1 = der(0x30, one, der(0x04, secret), der(0xa0, SECP384R1));
const pkcs8 = der(
  0x30,
  zero,
  der(0x30, EC, SECP384R1),
  der(0x04, der(0x30, one, der(0x04, secret))),
);
const bytesOf = (text: string) => new TextEncoder().encode(text);

test("is signed with a key in SEC1 or PKCS #8, PEM or DER, each the same", () => {
  const forms = [
    sec1,
    pkcs8,
    bytesOf(pem("EC PRIVATE KEY", sec1)),
    bytesOf(pem("PRIVATE KEY", pkcs8)),
    bytesOf(pem("EC PARAMETERS", SECP384R1) + pem("EC PRIVATE KEY", sec1)),
  ];
  for (const form of forms) assert.equal(parsePrivateKey(form).secret, secret);
  const point = hex(parsePrivateKey(sec1).point);
  for (const form of forms) assert.is(hex(parsePrivateKey(form).point), point);
});

test("is refused a key that is none, encrypted, of another curve, or beside another's public key", () => {
  const P256 = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
  const other = concat(Uint8Array.of(0, 4), parsePrivateKey(sec1).point.slice().reverse());
  const wrong: [string, Uint8Array, RegExp][] = [
    ["nothing", new Uint8Array(0), /private key/],
    ["text", bytesOf("not a key"), /private key/],
    ["a certificate", bytesOf(pem("CERTIFICATE", sec1)), /without a block/],
    ["a broken block", bytesOf(pem("PRIVATE KEY", pkcs8.subarray(0, 40))), /private key/],
    ["encrypted", bytesOf(pem("ENCRYPTED PRIVATE KEY", pkcs8)), /is encrypted/],
    [
      "P-256",
      der(0x30, one, der(0x04, secret), der(0xa0, P256)),
      /curve 1\.2\.840\.10045\.3\.1\.7/,
    ],
    ["too short", der(0x30, one, der(0x04, secret.subarray(1))), /47 bytes, expected 48/],
    ["zero", der(0x30, one, der(0x04, new Uint8Array(48))), /below the order/],
    ["RSA", der(0x30, zero, der(0x30, Uint8Array.of(6, 1, 42)), der(0x04, sec1)), /key algorithm/],
    ["another's", der(0x30, one, der(0x04, secret), der(0xa1, der(0x03, other))), /another's/],
  ];
  for (const [, bytes, says] of wrong) assert.throws(() => parsePrivateKey(bytes), says);
});

test("signed here verifies here, and any changed byte of it does not", () => {
  const [idKey, author] = [parsePrivateKey(sec1), parsePrivateKey(pkcs8)];
  const block = composeIdBlock({
    digest: new Uint8Array(48).fill(9),
    guestSvn: 3,
    policy: 0xb0000n,
  });
  const auth = signIdBlock(block, idKey, author);
  const key = composePublicKey(idKey.point);
  assert.equal(auth, signIdBlock(block, idKey, author), "RFC 6979: the same bytes again");
  assert.ok(isSigned(block, auth.subarray(Auth.ID_BLOCK_SIG), key));
  assert.ok(isSigned(key, auth.subarray(Auth.ID_KEY_SIG), composePublicKey(author.point)));
  for (const at of [Block.LD, Block.FAMILY_ID, Block.VERSION, Block.GUEST_SVN, Block.POLICY]) {
    const changed = Uint8Array.from(block);
    changed[at] = (changed[at] as number) ^ 1;
    assert.not(isSigned(changed, auth.subarray(Auth.ID_BLOCK_SIG), key));
  }
  const alone = signIdBlock(block, idKey);
  assert.ok(alone.subarray(Auth.ID_KEY_SIG).every((byte) => byte === 0));
  assert.is(publicKeyDigest(idKey.point).length, 48);
});

test("of fields that do not fit is refused", () => {
  const digest = new Uint8Array(48);
  assert.throws(() => composeIdBlock({ digest: new Uint8Array(32) }), /launch digest: 32 bytes/);
  assert.throws(() => composeIdBlock({ digest, familyId: digest }), /family id: 48 bytes/);
  assert.throws(() => composeIdBlock({ digest, imageId: digest }), /image id: 48 bytes/);
  assert.throws(() => composeIdBlock({ digest, guestSvn: 2 ** 32 }), /guest SVN/);
  assert.throws(() => signIdBlock(digest, parsePrivateKey(sec1)), /ID block: 48 bytes/);
  assert.throws(() => composePublicKey(digest), /48 bytes, expected 96/);
});

test("is signed with keys that openssl made, in both its forms", () => {
  const openssl = (args: string[], input = "") => spawnSync("openssl", args, { input });
  const made = openssl(["ecparam", "-name", "secp384r1", "-genkey"]);
  if (made.status !== 0) return skip("openssl's keys", "no openssl");
  const converted = openssl(["pkcs8", "-topk8", "-nocrypt"], `${made.stdout}`);
  const [first, second] = [made.stdout, converted.stdout].map((out) =>
    parsePrivateKey(new Uint8Array(out)),
  );
  assert.equal(first, second);
});
