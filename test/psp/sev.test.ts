// SEV and SEV-ES guests: their platform's keys, an owner's session, launch, secret, attestation, and the way to another platform.
// SEV API (AMD 55766).
import { p384 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { isSignedBy, makeCertificate, pointOf, sign } from "../../dist/psp/sev-certificate.js";
import * as Checksum from "../../ts/abi/checksum.ts";
import * as Attestation from "../../ts/abi/psp/attestation.ts";
import * as Report from "../../ts/abi/psp/attestation-report.ts";
import * as Copy from "../../ts/abi/psp/copy.ts";
import * as Dbg from "../../ts/abi/psp/dbg.ts";
import * as GetId from "../../ts/abi/psp/get-id.ts";
import * as GuestStatus from "../../ts/abi/psp/guest-status.ts";
import * as LaunchStart from "../../ts/abi/psp/launch-start.ts";
import * as LaunchUpdate from "../../ts/abi/psp/launch-update.ts";
import * as PekImport from "../../ts/abi/psp/pek-cert-import.ts";
import * as PekCsr from "../../ts/abi/psp/pek-csr.ts";
import * as PlatformStatus from "../../ts/abi/psp/platform-status.ts";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import * as Transport from "../../ts/abi/psp/transport.ts";
import * as Status from "../../ts/abi/status.ts";
import { hex, pattern } from "../core.ts";
import { assert, suite } from "../kit.ts";
import * as Owner from "../oracle/owner.ts";
import { Rig } from "./rig.ts";
import { certificatesOf, measure, PAGE, placed, sevRig, update } from "./sev-rig.ts";

const test = suite("SEV guests");

const [NODBG, NOKS, ES] = [1, 2, 4];
const API = [1, 55, 29] as const;

function launchWithOwner(rig: Rig, policy: number) {
  const { certificate, data } = Owner.session(certificatesOf(rig).pdh, policy);
  const values = {
    POLICY: policy,
    DH_CERT_PADDR: placed(rig, certificate),
    DH_CERT_LENGTH: certificate.length,
    SESSION_PADDR: placed(rig, data),
    SESSION_LENGTH: data.length,
  };
  const { status, buffer } = rig.exchange("LAUNCH_START", LaunchStart, values);
  assert.is(status, Status.SUCCESS);
  return { handle: new DataView(buffer.buffer).getUint32(0, true), values };
}

test("the platform's chain holds: PDH under PEK, PEK under OCA and the chip's CEK, and it is the same after power", () => {
  const storage = new Map();
  const made = certificatesOf(new Rig({ generation: "sev-es", storage }));
  assert.ok(isSignedBy(made.pdh, made.pek));
  assert.ok(isSignedBy(made.pek, made.oca) && isSignedBy(made.pek, made.cek));
  assert.ok(isSignedBy(made.oca, made.oca));
  assert.not(isSignedBy(made.pdh, made.oca));
  const again = certificatesOf(new Rig({ generation: "sev-es", storage }));
  assert.is(hex(again.all), hex(made.all));
  const other = certificatesOf(sevRig(2n));
  assert.is.not(hex(other.cek), hex(made.cek));
});

test("a length that is too short is answered with what is needed, and nothing is written", () => {
  const rig = sevRig();
  const paddr = rig.page();
  const { status, buffer } = rig.exchange("GET_ID", GetId, { ID_PADDR: paddr, ID_LENGTH: 8 });
  assert.is(status, Status.INVALID_LENGTH);
  assert.is(new DataView(buffer.buffer).getUint32(GetId.ID_LENGTH, true), 64);
  assert.equal(rig.read(paddr), new Uint8Array(PAGE));
  rig.expect(Status.SUCCESS, "GET_ID", GetId, { ID_PADDR: paddr, ID_LENGTH: 64 });
  assert.is(hex(rig.read(paddr, 64)), hex(rig.psp.platform.chipId));
});

test("an owner's certificate authority takes the platform once, and PLATFORM_RESET frees it", () => {
  const rig = sevRig();
  const CSR_PADDR = rig.page();
  rig.expect(Status.SUCCESS, "PEK_CSR", PekCsr, { CSR_PADDR, CSR_LENGTH: Certificate.SIZE });
  const pek = rig.read(CSR_PADDR, Certificate.SIZE);
  const owner = new Uint8Array(48).fill(7);
  const oca = makeCertificate(Certificate.OCA, owner, { major: 1, minor: 55, build: 29 });
  const by = { usage: Certificate.OCA, secretKey: owner };
  sign(oca, 1, by);
  const owned = () => {
    const { buffer } = rig.exchange("PLATFORM_STATUS", PlatformStatus);
    return buffer[PlatformStatus.OWNER];
  };
  const importPek = (status: number, one: Uint8Array, two: Uint8Array) =>
    rig.expect(status, "PEK_CERT_IMPORT", PekImport, {
      PEK_CERT_PADDR: placed(rig, one),
      PEK_CERT_LENGTH: one.length,
      OCA_CERT_PADDR: placed(rig, two),
      OCA_CERT_LENGTH: two.length,
    });
  importPek(Status.BAD_SIGNATURE, pek, oca);
  sign(pek, 1, by);
  importPek(Status.INVALID_LENGTH, pek.subarray(1), oca);
  importPek(Status.INVALID_CERTIFICATE, oca, pek);
  const stranger = makeCertificate(Certificate.PEK, owner, { major: 1, minor: 55, build: 29 });
  sign(stranger, 1, by);
  importPek(Status.INVALID_CERTIFICATE, stranger, oca);
  assert.is(owned(), 0);
  importPek(Status.SUCCESS, pek, oca);
  assert.is(owned(), 1);
  importPek(Status.ALREADY_OWNED, pek, oca);
  assert.ok(isSignedBy(certificatesOf(rig).pek, oca));
  rig.expect(Status.SUCCESS, "SHUTDOWN");
  rig.expect(Status.SUCCESS, "PLATFORM_RESET");
  rig.sevInit();
  assert.is(owned(), 0);
  const fresh = certificatesOf(rig);
  assert.is.not(hex(fresh.pek), hex(pek));
  rig.expect(Status.SUCCESS, "PEK_GEN");
  rig.expect(Status.SUCCESS, "PDH_GEN");
  assert.is.not(hex(certificatesOf(rig).pdh), hex(fresh.pdh));
});

test("an owner's session, measurement and secret, as another implementation computes them", () => {
  for (const policy of [0, NODBG | NOKS, ES | NODBG]) {
    const rig = sevRig();
    const { handle } = launchWithOwner(rig, policy);
    const asid = policy & ES ? 1 : 0x80;
    rig.sevActivate(handle, asid);
    const [one, two] = [pattern(PAGE, 1), pattern(64, 2)];
    const memory = [one, two];
    const page = update(rig, handle, one);
    const place = update(rig, handle, two);
    assert.is(hex(rig.plain(page, asid)), hex(one));
    assert.is.not(hex(rig.read(page)), hex(one), "encrypted where it lay");
    const vmsa = pattern(PAGE, 3);
    const values = { HANDLE: handle, PADDR: rig.filled(vmsa), LENGTH: PAGE };
    const allowed = policy & ES ? Status.SUCCESS : Status.POLICY_FAILURE;
    rig.expect(allowed, "LAUNCH_UPDATE_VMSA", LaunchUpdate, values);
    if (policy & ES) memory.push(vmsa);
    const { mac, nonce } = measure(rig, handle);
    const expected = Owner.measurement(API, policy, Buffer.concat(memory), nonce);
    assert.is(hex(mac), hex(expected), `policy ${policy}`);
    const plain = pattern(64, 9);
    const { header, data } = Owner.secret(plain, mac);
    const give = (status: number, head: Uint8Array, body: Uint8Array) =>
      rig.expect(status, "LAUNCH_SECRET", Transport, {
        HANDLE: handle,
        HEADER_PADDR: rig.filled(head),
        HEADER_LENGTH: head.length,
        GUEST_PADDR: place,
        GUEST_LENGTH: plain.length,
        TRANS_PADDR: rig.filled(body),
        TRANS_LENGTH: body.length,
      });
    const wrong = Uint8Array.from(data);
    wrong[3]! ^= 1;
    give(Status.BAD_MEASUREMENT, header, wrong);
    give(Status.BAD_MEASUREMENT, Owner.secret(plain, nonce).header, data);
    give(Status.INVALID_LENGTH, header.subarray(1), data);
    give(Status.SUCCESS, header, data);
    assert.is(hex(rig.plain(place, asid).subarray(0, 64)), hex(plain));
    rig.onHandle("LAUNCH_FINISH", handle);
    rig.expect(Status.INVALID_GUEST_STATE, "LAUNCH_SECRET", Transport, { HANDLE: handle });
  }
});

test("a session for another platform, or with another policy, is refused", () => {
  const rig = sevRig();
  const { values } = launchWithOwner(rig, 0);
  const start = (status: number, change: object) =>
    rig.expect(status, "LAUNCH_START", LaunchStart, { ...values, ...change });
  start(Status.POLICY_FAILURE, { POLICY: NODBG });
  start(Status.INVALID_LENGTH, { SESSION_LENGTH: 64 });
  start(Status.INVALID_LENGTH, { DH_CERT_LENGTH: 64 });
  start(Status.INVALID_CERTIFICATE, { DH_CERT_PADDR: rig.page() });
  start(Status.INVALID_PARAM, { POLICY: 0x40 });
  start(Status.POLICY_FAILURE, { POLICY: 0xff0000 });
  start(Status.INVALID_GUEST, { HANDLE: 99 });
  const other = Owner.session(certificatesOf(sevRig(2n)).pdh, 0);
  start(Status.BAD_MEASUREMENT, { SESSION_PADDR: placed(rig, other.data) });
});

test("guests share a key only when both policies allow it", () => {
  const rig = sevRig();
  const [open, closed] = [rig.sevStart(0), rig.sevStart(NOKS)];
  const share = (status: number, HANDLE: number, POLICY: number) =>
    rig.expect(status, "LAUNCH_START", LaunchStart, { HANDLE, POLICY });
  share(Status.POLICY_FAILURE, closed, NOKS);
  share(Status.POLICY_FAILURE, open, NODBG);
  share(Status.SUCCESS, open, 0);
  const { guests } = rig.psp.sev;
  const [first, ...rest] = [...guests.values()];
  assert.is(hex(rest.at(-1)!.vek), hex(first!.vek));
  assert.is.not(hex(guests.get(closed)!.vek), hex(first!.vek));
});

test("a guest's attestation is signed by the PEK, over its digest and the nonce asked for", () => {
  const rig = sevRig();
  const handle = rig.sevStart(0);
  rig.sevActivate(handle, 0x80);
  update(rig, handle, pattern(PAGE, 1));
  measure(rig, handle);
  const PADDR = rig.page();
  const MNONCE = pattern(16, 4);
  const values = { HANDLE: handle, PADDR, MNONCE, LENGTH: Report.SIZE };
  rig.expect(Status.SUCCESS, "ATTESTATION", Attestation, values);
  const report = rig.read(PADDR, Report.SIZE);
  assert.is(hex(report.subarray(0, 16)), hex(MNONCE));
  const field = (at: number) => report.slice(at, at + 48).reverse();
  const signature = Buffer.concat([field(Report.SIG_R), field(Report.SIG_S)]);
  const point = pointOf(certificatesOf(rig).pek) as Uint8Array;
  assert.ok(
    p384.verify(signature, sha256(report.subarray(0, 52)), point, { prehash: false, lowS: false }),
  );
});

test("DBG and COPY reach a guest's memory as its policy says", () => {
  const rig = sevRig();
  const [open, closed] = [rig.sevStart(0), rig.sevStart(NODBG)];
  rig.sevActivate(open, 0x80);
  rig.sevActivate(closed, 0x81);
  const bytes = pattern(PAGE, 5);
  const [a, b] = [update(rig, open, bytes), update(rig, closed, bytes)];
  const DST_PADDR = rig.page();
  const decrypt = (status: number, HANDLE: number, SRC_PADDR: bigint, LENGTH = PAGE) =>
    rig.expect(status, "DBG_DECRYPT", Dbg, { HANDLE, SRC_PADDR, DST_PADDR, LENGTH });
  decrypt(Status.POLICY_FAILURE, closed, b);
  decrypt(Status.INVALID_LENGTH, open, a, 15);
  decrypt(Status.INVALID_ADDRESS, open, a + 8n, 16);
  decrypt(Status.SUCCESS, open, a);
  assert.is(hex(rig.read(DST_PADDR)), hex(bytes));
  const SRC_PADDR = rig.filled(pattern(16, 6));
  const into = { SRC_PADDR, DST_PADDR: a, LENGTH: 16 };
  rig.expect(Status.POLICY_FAILURE, "DBG_ENCRYPT", Dbg, { HANDLE: closed, ...into });
  rig.expect(Status.SUCCESS, "DBG_ENCRYPT", Dbg, { HANDLE: open, ...into });
  assert.is(hex(rig.plain(a, 0x80).subarray(0, 16)), hex(pattern(16, 6)));
  const to = rig.page();
  const copy = { HANDLE: closed, SRC_PADDR: b, DST_PADDR: to, LENGTH: PAGE };
  rig.expect(Status.SUCCESS, "COPY", Copy, copy);
  assert.is(hex(rig.plain(to, 0x81)), hex(bytes));
  assert.is.not(hex(rig.read(to)), hex(rig.read(b)), "encrypted for where it lies");
});

test("with SNP initialised a legacy command's buffer and what it writes must be the firmware's", () => {
  const rig = new Rig();
  rig.sevInit();
  const handle = rig.sevStart(ES);
  rig.sevActivate(handle, 1);
  const bytes = pattern(PAGE, 1);
  update(rig, handle, bytes, Status.INVALID_PAGE_STATE);
  rig.driver.snp = false;
  rig.expect(Status.INVALID_PAGE_STATE, "GUEST_STATUS", GuestStatus, { HANDLE: handle });
  rig.driver.snp = true;
  const { status, buffer } = rig.exchange("GUEST_STATUS", GuestStatus, { HANDLE: handle });
  assert.is(status, Status.SUCCESS);
  assert.is(buffer[GuestStatus.ASID], 1);
});

test("a VMSA that the silicon has no room to guard is neither measured nor encrypted", () => {
  const rig = sevRig();
  const { handle } = launchWithOwner(rig, ES);
  rig.sevActivate(handle, 1);
  const vmsa = pattern(PAGE, 3);
  const PADDR = rig.filled(vmsa);
  const values = { HANDLE: handle, PADDR, LENGTH: PAGE };
  const { firmware } = rig.lab.core;
  const others = Array.from({ length: Checksum.ROWS }, (_, i) => rig.dram / 2n + BigInt(i * PAGE));
  for (const spa of others) assert.ok(firmware.noteVmsa(spa, 1));
  rig.expect(Status.RESOURCE_LIMIT, "LAUNCH_UPDATE_VMSA", LaunchUpdate, values);
  assert.is(hex(rig.read(PADDR)), hex(vmsa));
  firmware.forgetVmsa(others[0] as bigint);
  rig.expect(Status.SUCCESS, "LAUNCH_UPDATE_VMSA", LaunchUpdate, values);
  const { mac, nonce } = measure(rig, handle);
  assert.is(hex(mac), hex(Owner.measurement(API, ES, vmsa, nonce)), "measured once");
});
