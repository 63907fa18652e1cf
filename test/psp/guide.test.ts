// The field guide's dialect through the same firmware: keys, secrets page, policy word, measurement. DESIGN.md, section 5.
import { createHmac, hkdfSync } from "node:crypto";
import * as Sealed from "../../dist/abi/sealed-secrets.js";
import * as Secrets from "../../dist/abi/secrets-page.js";
import { platformSecretOf } from "../../dist/attest/evidence/secret.js";
import { makeGuideChain } from "../../dist/attest/guide/certify.js";
import { verifyGuide } from "../../dist/attest/guide/verify.js";
import { presets } from "../../dist/attest/index.js";
import { guestVmpck, platformVmpck, vmKey } from "../../dist/psp/guide.js";
import { openSecrets, SECRETS_GPA } from "../../dist/sealed-secrets.js";
import * as Message from "../../ts/abi/message.ts";
import * as PageInfo from "../../ts/abi/page-info.ts";
import * as SnpLaunchStart from "../../ts/abi/psp/snp-launch-start.ts";
import * as SnpLaunchUpdate from "../../ts/abi/psp/snp-launch-update.ts";
import * as Features from "../../ts/abi/sev-features.ts";
import * as Status from "../../ts/abi/status.ts";
import * as Vmsa from "../../ts/abi/vmsa.ts";
import { assert, suite } from "../kit.ts";
import { Rig } from "./rig.ts";
import { ask, factsOf, guestOf, sceneOf } from "./scene.ts";

const test = suite("the field guide's firmware");
const ASID = 3;
const guide = { dialect: "field-guide" } as const;
const word = (name: string) => presets[name]?.word as bigint;
const bytes = (text: string) => new TextEncoder().encode(text);

test("has VMPCKs and VM keys by HKDF, as node:crypto computes them", () => {
  const secret = platformSecretOf("1", "Genoa");
  assert.is(secret.length, 48);
  const none = new Uint8Array(0);
  const platform = platformVmpck(secret);
  platform.forEach((key, n) => {
    const wanted = hkdfSync("sha256", secret, none, bytes(`VMPCK${n}`), 32);
    assert.equal(key, new Uint8Array(wanted));
  });
  // One round of HKDF-Expand: T(1) = HMAC(PRK, info || 1). RFC 5869, 2.3.
  const expand = (key: Uint8Array, ...info: Uint8Array[]) =>
    createHmac("sha256", key)
      .update(Buffer.concat([...info, Uint8Array.of(1)]))
      .digest();
  const id = Uint8Array.of(0x44, 0x33, 0x22, 0x11);
  const nonce = new Uint8Array(16).fill(9);
  assert.equal(
    guestVmpck(platform, 0x11223344),
    platform.map((key) => new Uint8Array(expand(key, id))),
  );
  const wanted = expand(platform[0]!, bytes("SEV-SNP VM Key"), id, nonce).subarray(0, 16);
  assert.equal(vmKey(platform[0]!, 0x11223344, nonce), new Uint8Array(wanted));
});

test("takes each of the guide's policies, and refuses words that are not the guide's", () => {
  for (const name of Object.keys(presets)) new Rig(guide).launched(ASID, word(name));
  const rig = new Rig(guide);
  for (const policy of [0x10080n, 0x90001n, 1n << 40n, 0x0n, 0x1n]) {
    const values = { GCTX_PADDR: rig.create(), POLICY: policy };
    rig.expect(Status.POLICY_FAILURE, "SNP_LAUNCH_START", SnpLaunchStart, values, `${policy}`);
  }
  const single = new Rig({ ...guide, smt: false });
  single.start(0x1n);
  single.start(word("standard"));
  const values = { GCTX_PADDR: single.create(), POLICY: 0x10041n };
  single.expect(Status.POLICY_FAILURE, "SNP_LAUNCH_START", SnpLaunchStart, values, "SMT_REQUIRED");
  new Rig(guide).start(0x10041n);
});

test("holds the VMSA to what the policy asks of it", () => {
  const rows: [bigint, number][] = [
    [1n << 3n, Features.DEBUG_SWAP_BIT],
    [1n << 4n, Features.PREVENT_HOST_IBS_BIT],
    [1n << 5n, Features.BTB_ISOLATION_BIT],
  ];
  for (const [bit, feature] of rows) {
    const rig = new Rig(guide);
    const gctx = rig.launched(ASID, 0x10001n | bit);
    const vmsa = new Uint8Array(0x1000);
    const FLAGS = PageInfo.VMSA << SnpLaunchUpdate.PAGE_TYPE_LSB;
    const PAGE_PADDR = rig.preGuest(ASID, 0x1000n, vmsa);
    const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS };
    rig.expect(Status.POLICY_FAILURE, "SNP_LAUNCH_UPDATE", SnpLaunchUpdate, values);
    new DataView(vmsa.buffer).setBigUint64(Vmsa.SEV_FEATURES, 1n << BigInt(feature), true);
    rig.update(gctx, ASID, 0x2000n, vmsa, PageInfo.VMSA);
  }
});

test("puts the secrets page at 0xFED40000 alone, sealed under the guest's VMPCK2, inside the VM's key", () => {
  const rig = new Rig(guide);
  const gctx = rig.launched(ASID, word("standard"));
  const empty = new Uint8Array(0x1000);
  const PAGE_PADDR = rig.preGuest(ASID, 0x80d000n, empty);
  const FLAGS = PageInfo.SECRETS << SnpLaunchUpdate.PAGE_TYPE_LSB;
  const values = { GCTX_PADDR: gctx, PAGE_PADDR, FLAGS };
  rig.expect(Status.INVALID_ADDRESS, "SNP_LAUNCH_UPDATE", SnpLaunchUpdate, values);
  const spa = rig.update(gctx, ASID, SECRETS_GPA, empty, PageInfo.SECRETS);
  const page = rig.plain(spa, ASID);
  const secrets = openSecrets(page) as Uint8Array;
  const keys = guestVmpck(platformVmpck(platformSecretOf("1", "Genoa")), 1);
  const at = [Secrets.VMPCK0, Secrets.VMPCK1, Secrets.VMPCK2, Secrets.VMPCK3];
  assert.equal(
    at.map((offset) => secrets.slice(offset, offset + 32)),
    keys,
  );
  // The page's own bytes hold no key but the one that opens it.
  const found = (key: Uint8Array) => Buffer.from(page).includes(Buffer.from(key));
  assert.equal(keys.map(found), [false, false, true, false]);
  for (const offset of [0, 4, Sealed.IV, Sealed.VMPCK2, Sealed.TAG, Sealed.CONTENTS, 0xfff]) {
    const changed = page.slice();
    changed[offset] = changed[offset]! ^ 1;
    assert.is(openSecrets(changed), undefined, `byte ${offset}`);
  }
  const raw = rig.read(spa);
  assert.is(openSecrets(raw), undefined, "the host sees ciphertext");
});

test("gives two guests, and one guest launched twice, keys of their own", () => {
  const seen = new Set<string>();
  for (const guests of [1, 2]) {
    const rig = new Rig(guide);
    for (let asid = 1; asid <= guests; asid++) {
      const gctx = rig.launched(asid, word("standard"));
      const spa = rig.update(gctx, asid, SECRETS_GPA, new Uint8Array(0x1000), PageInfo.SECRETS);
      const secrets = openSecrets(rig.plain(spa, asid)) as Uint8Array;
      seen.add(Buffer.from(secrets.subarray(Secrets.VMPCK0, Secrets.VMPCK1)).toString("hex"));
    }
  }
  // the same seed launches the same first guest
  assert.is(seen.size, 2);
});

test("signs reports that hold by the guide's chain, with the measurement as an HMAC", async () => {
  const facts = factsOf("Milan", guide);
  const guest = guestOf({ policy: word("maximum-security") });
  const answer = ask(sceneOf({ facts, guest }), { type: Message.REPORT_REQ }, new Uint8Array(0x60));
  const report = (answer as Uint8Array).slice(0x20, 0x20 + 1184);
  const at = Date.UTC(2026, 5, 1);
  const { ARK, ASK, PCERT, SP } = await makeGuideChain({ seed: "scene", product: "Milan", at });
  const chain = [SP, PCERT, ASK, ARK];
  const result = await verifyGuide(report, chain, { roots: [ARK], now: at });
  assert.is(result.accepted, true, result.says);
  const hmac = createHmac("sha256", guest.vmpck[3]!).update(guest.measurement).digest();
  const measurement = Buffer.concat([hmac, new Uint8Array(16)]);
  assert.is(Buffer.from(result.report!.measurement).toString("hex"), measurement.toString("hex"));
});
