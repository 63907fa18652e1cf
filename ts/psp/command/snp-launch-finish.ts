// SNP_LAUNCH_FINISH: the initial guest is complete; what its owner signed must be what was measured. AMD 56860, 8.18.
import * as IdAuth from "../../abi/id-auth.ts";
import * as IdBlockLayout from "../../abi/id-block.ts";
import * as Layout from "../../abi/psp/snp-launch-finish.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, LAUNCH, type SnpGuestCall, snpGuestCommand } from "../command.ts";
import { GuestState } from "../guest.ts";
import { checkIdBlock } from "../id-block.ts";
import { readHost } from "../memory.ts";

export const snpLaunchFinish: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [LAUNCH],
  run(call) {
    const { guest, buffer } = call;
    const flags = buffer.getBigUint64(Layout.FLAGS, true);
    const authorKeyEn = bitOf(flags, Layout.AUTH_KEY_EN_BIT);
    if (bitOf(flags, Layout.ID_BLOCK_EN_BIT)) {
      const status = takeIdBlock(call, authorKeyEn);
      if (status !== Status.SUCCESS) return status;
    } else if (authorKeyEn) return Status.INVALID_PARAM;
    guest.vcekDisable = bitOf(flags, Layout.VCEK_DIS_BIT);
    guest.hostData = new Uint8Array(buffer.buffer.slice(Layout.HOST_DATA, Layout.SIZE));
    guest.state = GuestState.RUNNING;
    return Status.SUCCESS;
  },
});

function takeIdBlock({ psp, guest, buffer }: SnpGuestCall, authorKeyEn: boolean): number {
  const word = (at: number) => buffer.getBigUint64(at, true);
  const block = readHost(psp, word(Layout.ID_BLOCK_PADDR), IdBlockLayout.SIZE);
  const auth = readHost(psp, word(Layout.ID_AUTH_PADDR), IdAuth.SIZE);
  if (!block || !auth) return Status.INVALID_ADDRESS;
  const idBlock = checkIdBlock(block, auth, guest, authorKeyEn);
  if (typeof idBlock === "number") return idBlock;
  guest.idBlock = idBlock;
  return Status.SUCCESS;
}
