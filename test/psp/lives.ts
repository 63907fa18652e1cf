// Lives of a machine in which, together, every command of the table succeeds; for tests that must have seen each of them at work.
import { seal } from "../../dist/guest-message.js";
import { makeFirmware, makePreGuest } from "../../dist/hypervisor/page-state.js";
import { makeImage, wrapVlek } from "../../dist/index.js";
import { bufferOf, type Layout } from "../../dist/layout.js";
import { makeCertificate, sign } from "../../dist/psp/sev-certificate.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import * as Message from "../../ts/abi/message.ts";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import * as SwapType from "../../ts/abi/psp/swap-type.ts";
import * as Status from "../../ts/abi/status.ts";
import type { PlatformOptions } from "../../ts/platform.ts";
import { LARGE, pattern } from "../core.ts";
import { assert } from "../kit.ts";
import * as Owner from "../oracle/owner.ts";
import { DEBUG, type Name, POLICY, type Rig, statusName } from "./rig.ts";

const PAGE = 0x1000;
const TMR = 0xc0_0000n;
const [ES, SESSION, HEADER] = [4, 128, 52];
const SIZE = Certificate.SIZE;

type Values = Parameters<typeof bufferOf>[1];

/** Sends a command, by the layout that the table has for it; it must succeed. Answers the buffer as it came back. */
function send(rig: Rig, name: Name, values: Values = {}): DataView {
  const layout = commands.get(Command[name])?.layout as Layout | undefined;
  const sized = layout && layout["LENGTH"] === 0 ? { LENGTH: layout.SIZE } : {};
  const bytes = layout ? bufferOf(layout, { ...sized, ...values }) : new Uint8Array(0);
  const { status, buffer } = rig.driver.exchange(Command[name], bytes);
  assert.is(statusName(status), "SUCCESS", name);
  return new DataView(buffer.buffer);
}

const handleIn = (buffer: DataView) => buffer.getUint32(0, true);

/** Pages that follow one another, with these bytes in them. */
function placed(rig: Rig, bytes: Uint8Array): bigint {
  const spa = rig.page();
  for (let at = PAGE; at < bytes.length; at += PAGE) rig.page();
  assert.ok(rig.host.write(spa, bytes));
  return spa;
}

const room = (rig: Rig, bytes: number) => placed(rig, new Uint8Array(bytes));

function flush(rig: Rig, name: "DF_FLUSH" | "SNP_DF_FLUSH"): void {
  rig.host.wbinvd();
  send(rig, name);
}

function certificatesOf(rig: Rig): { pdh: Uint8Array; chain: Uint8Array } {
  const [PDH_CERT_PADDR, CERTS_PADDR] = [room(rig, SIZE), room(rig, 3 * SIZE)];
  const lengths = { PDH_CERT_LENGTH: SIZE, CERTS_LENGTH: 3 * SIZE };
  send(rig, "PDH_CERT_EXPORT", { PDH_CERT_PADDR, CERTS_PADDR, ...lengths });
  return { pdh: rig.read(PDH_CERT_PADDR, SIZE), chain: rig.read(CERTS_PADDR, 3 * SIZE) };
}

const image = (rig: Rig, build: number) =>
  makeImage({
    product: rig.psp.platform.product,
    version: { major: 1, minor: 56, build },
    svn: 20 + build,
  });

/** The legacy platform: its keys, its owner, its firmware. */
function platform(board: Board): void {
  const rig = board({ generation: "sev-es", initialise: false });
  const bytes = image(rig, 5);
  send(rig, "DOWNLOAD_FIRMWARE", { FW_PADDR: rig.filled(bytes), FW_LENGTH: bytes.length });
  send(rig, "INIT_EX", { NV_PADDR: room(rig, 0x8000), NV_LENGTH: 0x8000 });
  // The first command that wants keys is the one that makes others.
  send(rig, "PDH_GEN");
  send(rig, "PEK_GEN");
  for (const name of ["NOP", "PLATFORM_STATUS", "SHUTDOWN", "PLATFORM_RESET"] as const)
    send(rig, name);
  send(rig, "INIT", { FLAGS: 1, TMR_PADDR: TMR, TMR_LENGTH: 0x10_0000 });
  send(rig, "GET_ID", { ID_PADDR: rig.page(), ID_LENGTH: 64 });
  const CSR_PADDR = rig.page();
  send(rig, "PEK_CSR", { CSR_PADDR, CSR_LENGTH: SIZE });
  const pek = rig.read(CSR_PADDR, SIZE);
  const secretKey = new Uint8Array(48).fill(7);
  const oca = makeCertificate(Certificate.OCA, secretKey, { major: 1, minor: 56, build: 5 });
  for (const one of [pek, oca]) sign(one, 1, { usage: Certificate.OCA, secretKey });
  send(rig, "PEK_CERT_IMPORT", {
    PEK_CERT_PADDR: rig.filled(pek),
    PEK_CERT_LENGTH: SIZE,
    OCA_CERT_PADDR: rig.filled(oca),
    OCA_CERT_LENGTH: SIZE,
  });
  certificatesOf(rig);
  send(rig, "PDH_GEN");
}

/** A SEV-ES guest of an owner's, launched, looked at, sent away and received. */
function sevGuest(board: Board): void {
  const [from, to] = [board({ generation: "sev-es" }), board({ generation: "sev-es", seed: 2n })];
  const { certificate, data } = Owner.session(certificatesOf(from).pdh, ES);
  const session = {
    DH_CERT_PADDR: from.filled(certificate),
    DH_CERT_LENGTH: SIZE,
    SESSION_PADDR: from.filled(data),
    SESSION_LENGTH: SESSION,
  };
  const HANDLE = handleIn(send(from, "LAUNCH_START", { POLICY: ES, ...session }));
  send(from, "ACTIVATE", { HANDLE, ASID: 1 });
  const [page, vmsa] = [from.filled(pattern(PAGE, 1)), from.filled(pattern(PAGE, 2))];
  send(from, "LAUNCH_UPDATE_DATA", { HANDLE, PADDR: page, LENGTH: PAGE });
  send(from, "LAUNCH_UPDATE_VMSA", { HANDLE, PADDR: vmsa, LENGTH: PAGE });
  const MEASURE_PADDR = from.page();
  send(from, "LAUNCH_MEASURE", { HANDLE, MEASURE_PADDR, MEASURE_LENGTH: 48 });
  const secret = Owner.secret(pattern(64, 3), from.read(MEASURE_PADDR, 32));
  send(from, "LAUNCH_SECRET", {
    HANDLE,
    HEADER_PADDR: from.filled(secret.header),
    HEADER_LENGTH: HEADER,
    GUEST_PADDR: page,
    GUEST_LENGTH: 64,
    TRANS_PADDR: from.filled(secret.data),
    TRANS_LENGTH: 64,
  });
  send(from, "LAUNCH_FINISH", { HANDLE });
  send(from, "ATTESTATION", { HANDLE, PADDR: from.page(), LENGTH: 0xd0 });
  send(from, "GUEST_STATUS", { HANDLE });
  send(from, "COPY", { HANDLE, LENGTH: 16, SRC_PADDR: page, DST_PADDR: from.page() });
  const bare = from.page();
  send(from, "DBG_DECRYPT", { HANDLE, SRC_PADDR: page, DST_PADDR: bare, LENGTH: 16 });
  send(from, "DBG_ENCRYPT", { HANDLE, SRC_PADDR: bare, DST_PADDR: page, LENGTH: 16 });
  send(from, "DEACTIVATE", { HANDLE });
  flush(from, "DF_FLUSH");
  const IDS_PADDR = from.filled(new Uint8Array(4));
  send(from, "ACTIVATE_EX", { EX_LEN: 0x18, HANDLE, ASID: 1, NUMIDS: 1, IDS_PADDR });

  const { pdh, chain } = certificatesOf(to);
  const SESSION_PADDR = from.page();
  const start = {
    HANDLE,
    PDH_CERT_PADDR: from.filled(pdh),
    PDH_CERT_LENGTH: SIZE,
    PLAT_CERTS_PADDR: placed(from, chain),
    PLAT_CERTS_LENGTH: 3 * SIZE,
    SESSION_PADDR,
    SESSION_LENGTH: SESSION,
  };
  send(from, "SEND_START", start);
  send(from, "SEND_CANCEL", { HANDLE });
  send(from, "SEND_START", start);
  const sender = certificatesOf(from).pdh;
  const receiver = handleIn(
    send(to, "RECEIVE_START", {
      POLICY: ES,
      PDH_CERT_PADDR: to.filled(sender),
      PDH_CERT_LENGTH: SIZE,
      SESSION_PADDR: to.filled(from.read(SESSION_PADDR, SESSION)),
      SESSION_LENGTH: SESSION,
    }),
  );
  send(to, "ACTIVATE", { HANDLE: receiver, ASID: 9 });
  for (const [kind, spa] of [
    ["DATA", page],
    ["VMSA", vmsa],
  ] as const) {
    const [HEADER_PADDR, TRANS_PADDR] = [from.page(), from.page()];
    const lengths = { HEADER_LENGTH: HEADER, GUEST_LENGTH: PAGE, TRANS_LENGTH: PAGE };
    const out = { HANDLE, HEADER_PADDR, GUEST_PADDR: spa, TRANS_PADDR, ...lengths };
    send(from, `SEND_UPDATE_${kind}`, out);
    send(to, `RECEIVE_UPDATE_${kind}`, {
      HANDLE: receiver,
      HEADER_PADDR: to.filled(from.read(HEADER_PADDR, HEADER)),
      GUEST_PADDR: to.page(),
      TRANS_PADDR: to.filled(from.read(TRANS_PADDR)),
      ...lengths,
    });
  }
  send(from, "SEND_FINISH", { HANDLE });
  send(from, "DEACTIVATE", { HANDLE });
  send(from, "DECOMMISSION", { HANDLE });
  send(to, "RECEIVE_FINISH", { HANDLE: receiver });
}

/** An SNP platform: versions, TCBs, a VLEK, and what it says of itself. */
function snpPlatform(board: Board): void {
  const rig = board({ chip: "genoa", seed: 1n, initialise: false });
  send(rig, "SNP_INIT");
  rig.driver.snp = true;
  const { tcb } = rig.psp.platform;
  const stick = () => wrapVlek("1", "Genoa", { seed: "csp", cspId: "CN=csp", tcb: tcb.reported });
  const vlek = () => send(rig, "SNP_VLEK_LOAD", { VLEK_WRAPPED_PADDR: rig.filled(stick()) });
  vlek();
  send(rig, "SNP_CONFIG", { REPORTED_TCB: tcb.committed, FLAGS: 3 });
  send(rig, "SNP_CONFIG", { REPORTED_TCB: tcb.committed - 1n });
  const download = (build: number, FLAGS = 0) => {
    const bytes = image(rig, build);
    const FW_PADDR = rig.filled(bytes);
    send(rig, "SNP_DOWNLOAD_FIRMWARE_EX", { FW_PADDR, FW_LEN: bytes.length, FLAGS });
  };
  download(5);
  send(rig, "SNP_COMMIT");
  download(6);
  download(7, 1);
  send(rig, "SNP_CONFIG", { REPORTED_TCB: tcb.committed });
  vlek();
  send(rig, "SNP_PLATFORM_STATUS", { STATUS_PADDR: rig.firmwarePage() });
  send(rig, "SNP_FEATURE_INFO", { FEATURE_INFO_PADDR: rig.firmwarePage() });
  send(rig, "SNP_VERIFY_MITIGATION");
  const list = new Uint8Array(24);
  new DataView(list.buffer).setUint32(0, 1, true);
  new DataView(list.buffer).setBigUint64(8, rig.firmwarePage(), true);
  new DataView(list.buffer).setUint32(16, 1, true);
  send(rig, "SNP_PAGE_SET_STATE", { LIST_PADDR: rig.filled(list) });
  flush(rig, "SNP_DF_FLUSH");
  send(rig, "SNP_SHUTDOWN");
}

/** An SNP guest: launched, debugged, asked, swapped, moved, ended. */
function snpGuest(board: Board): void {
  const rig = board({ initialise: false, dialect: "field-guide" });
  send(rig, "SNP_INIT_EX", { FLAGS: 1 });
  rig.driver.snp = true;
  const GCTX_PADDR = rig.firmwarePage();
  send(rig, "SNP_GCTX_CREATE", { GCTX_PADDR });
  send(rig, "SNP_LAUNCH_START", { GCTX_PADDR, POLICY: GUIDE });
  send(rig, "SNP_ACTIVATE", { GCTX_PADDR, ASID: 1 });
  const page = rig.preGuest(1, 0x5000n, pattern(PAGE, 4));
  send(rig, "SNP_LAUNCH_UPDATE", { GCTX_PADDR, PAGE_PADDR: page, FLAGS: 1 << 1 });
  send(rig, "SNP_LAUNCH_FINISH", { GCTX_PADDR });
  send(rig, "SNP_GUEST_STATUS", { GCTX_PADDR, STATUS_PADDR: rig.firmwarePage() });
  const guest = rig.psp.contexts.open(GCTX_PADDR) as { vmpck: Uint8Array[] };
  const head = { type: Message.TSC_INFO_REQ, version: 1, vmpck: 0, seqno: 1n };
  const REQUEST_PADDR = rig.filled(seal(guest.vmpck[0]!, head, new Uint8Array(128)));
  const answer = { REQUEST_PADDR, RESPONSE_PADDR: rig.firmwarePage() };
  send(rig, "SNP_GUEST_REQUEST", { GCTX_PADDR, ...answer });
  send(rig, "SNP_DEACTIVATE", { GCTX_PADDR });
  flush(rig, "SNP_DF_FLUSH");
  const IDS_PADDR = rig.filled(new Uint8Array(4));
  send(rig, "SNP_ACTIVATE_EX", { EX_LEN: 0x20, GCTX_PADDR, ASID: 1, NUMIDS: 1, IDS_PADDR });
  makePreGuest(rig.host, page, 0x5000n, 1, false);
  const moved = rig.preGuest(1, 0x5000n);
  send(rig, "SNP_PAGE_MOVE", { GCTX_PADDR, SRC_PADDR: page, DST_PADDR: moved });
  makePreGuest(rig.host, moved, 0x5000n, 1, false);
  const [metadata, sealed, place] = [rig.firmwarePage(), rig.firmwarePage(), rig.page()];
  send(rig, "SNP_PAGE_MD_INIT", { GCTX_PADDR, PAGE_PADDR: metadata });
  const swap = { GCTX_PADDR, MDATA_PADDR: metadata, FLAGS: SwapType.DATA << 1 };
  send(rig, "SNP_PAGE_SWAP_OUT", { ...swap, SRC_PADDR: moved, DST_PADDR: sealed });
  send(rig, "SNP_PAGE_RECLAIM", { PAGE_PADDR: sealed });
  makePreGuest(rig.host, place, 0x5000n, 1, false);
  send(rig, "SNP_PAGE_SWAP_IN", { ...swap, SRC_PADDR: sealed, DST_PADDR: place });
  send(rig, "SNP_DECOMMISSION", { GCTX_PADDR });
}

/** An SNP guest that may be debugged, and one page of 2 MiB made of 512. */
function openGuest(board: Board): void {
  const rig = board();
  const GCTX_PADDR = rig.firmwarePage();
  send(rig, "SNP_GCTX_CREATE", { GCTX_PADDR });
  send(rig, "SNP_LAUNCH_START", { GCTX_PADDR, POLICY: POLICY | DEBUG });
  send(rig, "SNP_ACTIVATE", { GCTX_PADDR, ASID: 1 });
  const page = rig.preGuest(1, 0n);
  send(rig, "SNP_LAUNCH_UPDATE", { GCTX_PADDR, PAGE_PADDR: page, FLAGS: 1 << 1 });
  send(rig, "SNP_DBG_DECRYPT", { GCTX_PADDR, SRC_PADDR: page, DST_PADDR: rig.firmwarePage() });
  makePreGuest(rig.host, page, 0n, 1, false);
  send(rig, "SNP_DBG_ENCRYPT", { GCTX_PADDR, SRC_PADDR: rig.page(), DST_PADDR: page });
  const spa = rig.lab.large();
  for (let at = 0n; at < LARGE; at += 0x1000n)
    makePreGuest(rig.host, spa + at, LARGE + at, 1, false);
  send(rig, "SNP_PAGE_UNSMASH", { PAGE_PADDR: spa | 1n });
  for (let at = 0n; at < 0x10_0000n; at += 0x1000n) makeFirmware(rig.host, TMR + at);
  flush(rig, "SNP_DF_FLUSH");
  send(rig, "SNP_SHUTDOWN_EX", { FLAGS: 1 << 1 });
}

/** No debugging, SMT by its bit of this word. */
const GUIDE = 0x30001n;

export type Board = (options?: PlatformOptions) => Rig;

export const lives: Readonly<Record<string, (board: Board) => void>> = {
  platform,
  sevGuest,
  snpPlatform,
  snpGuest,
  openGuest,
};

/** Commands that no machine of ours ever answers with SUCCESS: LIMITATIONS.md. */
export const never: readonly Name[] = ["RING_BUFFER", "SWAP_OUT", "SWAP_IN"];

export const isSuccess = (status: number): boolean => status === Status.SUCCESS;
