// The firmware's debugger, as an operator's tools ask for it: DBG_DECRYPT and DBG_ENCRYPT. What a guest's policy forbids it refuses.
import * as Command from "../abi/command.ts";
import * as Dbg from "../abi/psp/dbg.ts";
import * as SevPolicy from "../abi/psp/sev-policy.ts";
import * as SnpDbg from "../abi/psp/snp-dbg.ts";
import * as SnpPage from "../abi/psp/snp-page.ts";
import * as Status from "../abi/status.ts";
import { statusNamed } from "../hypervisor/mailbox.ts";
import { makeFirmware } from "../hypervisor/page-state.ts";
import { takeBack } from "../hypervisor/reclaim.ts";
import type { Vm } from "../hypervisor/vm.ts";
import { bufferOf } from "../layout.ts";
import type { Scene } from "./scene.ts";

const PAGE = 0x1000;

/** The policy of a guest that forbids it: SEV's NODBG; SNP's word forbids it unless DEBUG is set. */
export function noDebug({ features }: Scene): bigint | undefined {
  if (features.snp || !features.sev) return undefined;
  const es = BigInt(features.es) << BigInt(SevPolicy.ES_BIT);
  return es | (1n << BigInt(SevPolicy.NODBG_BIT));
}

/** A page of a guest's in plaintext, or the name of the status that refused it. */
export function decryptPage(scene: Scene, vm: Vm, spa: bigint): Uint8Array | string {
  const { host, hypervisor, features } = scene;
  const to = hypervisor.parts.pages.small();
  if (features.snp) makeFirmware(host, to);
  const status = ask(scene, vm, true, spa, to);
  if (features.snp) {
    hypervisor.mailbox.must("SNP_PAGE_RECLAIM", SnpPage, { PAGE_PADDR: to });
    takeBack(host, to, false);
  }
  scene.note(`${features.snp ? "SNP_" : ""}DBG_DECRYPT: ${statusNamed(status)}`);
  if (status !== Status.SUCCESS) return statusNamed(status);
  const bytes = new Uint8Array(PAGE);
  host.read(to, bytes);
  return bytes;
}

/** Plaintext into a page of a guest's. Answers the status by its name. */
export function encryptPage(scene: Scene, vm: Vm, spa: bigint, bytes: Uint8Array): string {
  const { host, hypervisor, features } = scene;
  const from = hypervisor.parts.pages.small();
  host.write(from, bytes);
  const status = statusNamed(ask(scene, vm, false, from, spa));
  scene.note(`${features.snp ? "SNP_" : ""}DBG_ENCRYPT: ${status}`);
  return status;
}

function ask(
  { hypervisor, features }: Scene,
  vm: Vm,
  decrypt: boolean,
  SRC_PADDR: bigint,
  DST_PADDR: bigint,
): number {
  const { mailbox } = hypervisor;
  if (features.snp) {
    const buffer = bufferOf(SnpDbg, { GCTX_PADDR: vm.gctx as bigint, SRC_PADDR, DST_PADDR });
    return mailbox.send(decrypt ? Command.SNP_DBG_DECRYPT : Command.SNP_DBG_ENCRYPT, buffer);
  }
  const HANDLE = hypervisor.handleOf(vm) as number;
  const buffer = bufferOf(Dbg, { HANDLE, SRC_PADDR, DST_PADDR, LENGTH: PAGE });
  return mailbox.send(decrypt ? Command.DBG_DECRYPT : Command.DBG_ENCRYPT, buffer);
}
