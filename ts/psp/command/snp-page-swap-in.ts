// SNP_PAGE_SWAP_IN: a page that was swapped out comes back, once, as it was. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-page-swap-in.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import {
  type CommandEntry,
  LAUNCH,
  RUNNING,
  type SnpGuestCall,
  snpGuestCommand,
} from "../command.ts";
import { type Place, pagePlace } from "../memory.ts";
import { entryBytes, entryOf, entryPlace, makeMetadata, type Swapped } from "../metadata.ts";
import { pageAt, setPage } from "../page.ts";
import { isOfType, unseal } from "../swap.ts";
import { swapArguments } from "../swap-arguments.ts";

export const snpPageSwapIn: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH, RUNNING],
  run(call) {
    const { psp, guest, gctx } = call;
    const told = swapArguments(call, Layout);
    if (typeof told === "number") return told;
    const { word, flags, type, large, bytes, root } = told;
    const to = pagePlace(psp, word(Layout.DST_PADDR), bytes);
    const inPlace = bitOf(flags, Layout.SWAP_IN_PLACE_BIT);
    const from = inPlace ? to : pagePlace(psp, word(Layout.SRC_PADDR), bytes);
    if (!from || !to) return Status.INVALID_ADDRESS;
    const place = entryPlace(psp, guest, gctx, word(Layout.MDATA_PADDR), root);
    if (typeof place === "number") return place;
    const entry = entryOf(place.read());
    if (!entry.valid || !isOfType(entry, type)) return Status.INVALID_MDATA_ENTRY;
    if (entry.large !== large) return Status.INVALID_PAGE_SIZE;
    const mayEnter = canEnter(call, to, entry);
    if (mayEnter !== Status.SUCCESS) return mayEnter;
    const ciphertext = new Uint8Array(bytes);
    psp.port.read(from.spa, from.key, ciphertext);
    const contents = unseal(guest, ciphertext, entry);
    if (!contents) return Status.BAD_MEASUREMENT;
    place.write(entryBytes({ ...entry, valid: false }));
    enter(call, to, entry, contents);
    return Status.SUCCESS;
  },
});

function canEnter({ psp, guest }: SnpGuestCall, { spa }: Place, entry: Swapped): number {
  const page = pageAt(psp.port, spa);
  if (page.state !== (entry.metadata ? "firmware" : "pre-guest")) return Status.INVALID_PAGE_STATE;
  if (page.large !== entry.large) return Status.INVALID_PAGE_SIZE;
  if (entry.metadata) return Status.SUCCESS;
  if (page.asid !== guest.asid) return Status.INVALID_PAGE_OWNER;
  return page.gpa === entry.gpa ? Status.SUCCESS : Status.INVALID_MDATA_ENTRY;
}

function enter(call: SnpGuestCall, { spa }: Place, entry: Swapped, contents: Uint8Array): void {
  const { psp, guest, gctx } = call;
  if (entry.metadata) return makeMetadata(psp, spa, gctx, contents);
  const { gpa, large, vmsa, validated, permissions } = entry;
  setPage(psp.port, spa, { asid: guest.asid, gpa, large, vmsa, validated, permissions });
  psp.port.write(spa, guest.asid, contents);
}
