// SNP_GUEST_REQUEST: a message of a guest, and the firmware's answer, which only the guest can read. AMD 56860, 8.26.
import * as Layout from "../../abi/psp/snp-guest-request.ts";
import * as Status from "../../abi/status.ts";
import { guestRequest } from "../channel.ts";
import { type CommandEntry, RUNNING, snpGuestCommand } from "../command.ts";
import { correctEntries } from "../cpuid-policy.ts";
import { mayWrite, PAGE, pagePlace, writeHost } from "../memory.ts";

export const snpGuestRequest: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [RUNNING],
  run({ psp, guest, gctx, buffer }) {
    const { platform: facts, contexts, chance, keys } = psp;
    const requestPaddr = buffer.getBigUint64(Layout.REQUEST_PADDR, true);
    const responsePaddr = buffer.getBigUint64(Layout.RESPONSE_PADDR, true);
    const from = pagePlace(psp, requestPaddr);
    const to = pagePlace(psp, responsePaddr);
    if (!from || !to || from.spa === to.spa) return Status.INVALID_ADDRESS;
    const status = mayWrite(psp, responsePaddr, PAGE);
    if (status !== Status.SUCCESS) return status;
    const request = new Uint8Array(PAGE);
    psp.port.read(from.spa, from.key, request);
    const response = guestRequest(
      {
        facts,
        keys,
        gctx,
        guest,
        contexts,
        isBound: ({ asid }) => psp.tio.holdsAsid(asid),
        correctCpuid: (entries) => correctEntries(facts.chip, entries),
        chance,
      },
      request,
    );
    if (typeof response === "number") return response;
    writeHost(psp, responsePaddr, response);
    return Status.SUCCESS;
  },
});
