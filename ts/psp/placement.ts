// Places what LAUNCH_UPDATE will, in the RMP state it leaves: a vCPU's first state, encrypted in place. LIMITATIONS.md.
import * as Frame from "../abi/frame.ts";
import * as Rmp from "../abi/rmp.ts";
import { CheckFailed } from "../error.ts";
import type { FirmwarePort } from "../port.ts";

const PAGE = 0x1000;
const bit = (position: number) => 1n << BigInt(position);

/** Encrypts the VMSA that the hypervisor wrote to a page. SNP: the page is the guest's from now on; else the silicon guards it. */
export function placeVmsa(
  port: FirmwarePort,
  spa: bigint,
  gpa: bigint,
  asid: number,
  permissions: bigint | undefined,
): void {
  const page = new Uint8Array(PAGE);
  const done = port.read(spa, Frame.RAW, page) && port.write(spa, asid, page);
  if (!done) throw new CheckFailed(`VMSA at spa 0x${spa.toString(16)}: beyond memory`);
  if (permissions === undefined) {
    if (!port.noteVmsa(spa, asid)) throw new CheckFailed("VMSA: no row is left for its checksum");
    return;
  }
  const low =
    bit(Rmp.ASSIGNED_BIT) |
    bit(Rmp.VALIDATED_BIT) |
    bit(Rmp.VMSA_BIT) |
    ((gpa >> 12n) << BigInt(Rmp.GPA_LSB)) |
    (BigInt(asid) << BigInt(Rmp.ASID_LSB));
  if (!port.setRmp(spa, low, permissions)) throw new CheckFailed("VMSA: its page is not covered");
}
