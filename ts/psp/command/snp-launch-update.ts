// SNP_LAUNCH_UPDATE: a page of the initial guest is measured, encrypted in place and given to the guest. AMD 56860, 8.17.
import * as PageInfo from "../../abi/page-info.ts";
import * as Layout from "../../abi/psp/snp-launch-update.ts";
import * as Rmp from "../../abi/rmp.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, LAUNCH, type SnpGuestCall, snpGuestCommand } from "../command.ts";
import { correctCpuidPage } from "../cpuid-policy.ts";
import { extend } from "../digest.ts";
import { LARGE, PAGE, type Place, pagePlace } from "../memory.ts";
import { type Page, pageAt, setPage } from "../page.ts";

/** What the buffer asks for. */
interface Update {
  type: number;
  large: boolean;
  imi: boolean;
  permissions: [number, number, number];
}

export const snpLaunchUpdate: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH],
  run(call) {
    const { psp, guest, buffer } = call;
    if (guest.asid === 0) return Status.INACTIVE;
    const update = updateOf(buffer, psp.port.fullPermissions(), guest.imiEn);
    if (!update) return Status.INVALID_PARAM;
    const place = pagePlace(
      psp,
      buffer.getBigUint64(Layout.PAGE_PADDR, true),
      update.large ? LARGE : PAGE,
    );
    if (!place) return Status.INVALID_ADDRESS;
    const page = pageAt(psp.port, place.spa);
    if (page.state !== "pre-guest") return Status.INVALID_PAGE_STATE;
    if (page.asid !== guest.asid) return Status.INVALID_PAGE_OWNER;
    if (page.large !== update.large) return Status.INVALID_PAGE_SIZE;
    const contents = contentsOf(call, update, place, page.gpa);
    if (typeof contents === "number") return contents;
    give(call, update, place, page, contents);
    return Status.SUCCESS;
  },
});

const smallOnly: readonly number[] = [PageInfo.VMSA, PageInfo.SECRETS, PageInfo.CPUID];

/** Undefined for what cannot be asked. IMI pages are NORMAL, and a guest without IMI_EN has none. */
function updateOf(buffer: DataView, full: number, imiEn: boolean): Update | undefined {
  const flags = buffer.getUint32(Layout.FLAGS, true);
  const type = (flags >> Layout.PAGE_TYPE_LSB) & (2 ** Layout.PAGE_TYPE_WIDTH - 1);
  const large = bitOf(flags, Layout.PAGE_SIZE_BIT);
  const imi = bitOf(flags, Layout.IMI_PAGE_BIT);
  const permissions = [Layout.VMPL1_PERMS, Layout.VMPL2_PERMS, Layout.VMPL3_PERMS].map((at) =>
    buffer.getUint8(at),
  ) as Update["permissions"];
  if (type < PageInfo.NORMAL || type > PageInfo.CPUID) return undefined;
  if (large && smallOnly.includes(type)) return undefined;
  if (imi && !(imiEn && type === PageInfo.NORMAL)) return undefined;
  if (permissions.some((mask) => mask & ~full)) return undefined;
  // A VMSA is nobody's to read: its permissions do not count.
  return { type, large, imi, permissions: type === PageInfo.VMSA ? [0, 0, 0] : permissions };
}

/** What the guest will find in the page, or INVALID_PARAM for a CPUID page, which is then corrected where it lies. */
function contentsOf(
  { psp, guest }: SnpGuestCall,
  update: Update,
  place: Place,
  gpa: bigint,
): Uint8Array | number {
  const contents = new Uint8Array(update.large ? LARGE : PAGE);
  if (update.type === PageInfo.ZERO) return contents;
  if (update.type === PageInfo.SECRETS) return psp.dialect.secretsPage(psp, guest, gpa);
  psp.port.read(place.spa, place.key, contents);
  if (update.type === PageInfo.VMSA) {
    const status = psp.dialect.checkVmsa(guest.policy, contents);
    if (status !== Status.SUCCESS) return status;
  }
  if (update.type !== PageInfo.CPUID) return contents;
  const corrected = correctCpuidPage(psp.platform.chip, contents);
  if (!corrected) return contents;
  psp.port.write(place.spa, place.key, corrected);
  return Status.INVALID_PARAM;
}

/** Measures 4 KiB by 4 KiB, whatever the page's size: the digest must not depend on how the host backs memory. */
function give(
  { psp, guest }: SnpGuestCall,
  { type, large, imi, permissions }: Update,
  { spa }: Place,
  page: Page,
  contents: Uint8Array,
): void {
  for (let at = 0; at < contents.length; at += PAGE) {
    const gpa = page.gpa + BigInt(at);
    const piece = contents.subarray(at, at + PAGE);
    const measured = { type, gpa, contents: piece, imi, permissions };
    guest.measurement = extend(psp.port, guest.measurement, measured);
    if (imi) guest.imd = extend(psp.port, guest.imd, measured);
  }
  setPage(psp.port, spa, {
    asid: guest.asid,
    gpa: page.gpa,
    large,
    validated: true,
    vmsa: type === PageInfo.VMSA,
    permissions: permissionsOf(psp.port.fullPermissions(), permissions),
  });
  psp.port.write(spa, guest.asid, contents);
}

const permissionsOf = (full: number, masks: readonly number[]) =>
  masks.reduce(
    (word, mask, i) => word | (BigInt(mask) << BigInt((i + 1) * Rmp.VMPL_WIDTH)),
    BigInt(full),
  );
