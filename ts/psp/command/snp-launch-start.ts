// SNP_LAUNCH_START: a guest gets its policy, its keys and, if it may migrate, its migration agent. AMD 56860, 8.
import * as Layout from "../../abi/psp/snp-launch-start.ts";
import * as Status from "../../abi/status.ts";
import { bitOf } from "../../layout.ts";
import { type CommandEntry, INIT, type SnpGuestCall, snpGuestCommand } from "../command.ts";
import { GuestState } from "../guest.ts";
import { allowsMigration } from "../policy.ts";

export const snpLaunchStart: CommandEntry = snpGuestCommand({
  layout: Layout,
  guest: [INIT],
  run(call) {
    const { psp, guest, buffer } = call;
    const { platform } = psp;
    const policy = buffer.getBigUint64(Layout.POLICY, true);
    const flags = buffer.getUint32(Layout.FLAGS, true);
    if (!psp.dialect.keeps(platform, policy)) return Status.POLICY_FAILURE;
    if (bitOf(flags, Layout.MA_EN_BIT)) {
      const status = bindAgent(call, policy, buffer.getBigUint64(Layout.MA_GCTX_PADDR, true));
      if (status !== Status.SUCCESS) return status;
    }
    const number = ++psp.counters.guests;
    Object.assign(guest, psp.dialect.guestKeys(platform, psp.chance, number, policy));
    guest.state = GuestState.LAUNCH;
    guest.policy = policy;
    guest.imiEn = bitOf(flags, Layout.IMI_EN_BIT);
    guest.desiredTscKhz = buffer.getUint32(Layout.DESIRED_TSC_KHZ, true);
    guest.gosvw = new Uint8Array(buffer.buffer.slice(Layout.GOSVW, Layout.SIZE));
    guest.reportId = psp.chance.bytes(32);
    guest.launchTcb = platform.tcb.current;
    guest.launchMitVector = platform.mitigationVector;
    return Status.SUCCESS;
  },
});

/** A guest whose policy allows it names a running guest that may export it. */
function bindAgent({ psp, guest, gctx }: SnpGuestCall, policy: bigint, agent: bigint): number {
  if (!allowsMigration(policy)) return Status.POLICY_FAILURE;
  if (agent === gctx) return Status.INVALID_GUEST;
  const context = psp.contexts.open(agent);
  if (typeof context === "number") return context;
  if (context.state !== GuestState.RUNNING) return Status.INVALID_GUEST_STATE;
  guest.maContext = agent;
  guest.reportIdMa = context.reportId;
  return Status.SUCCESS;
}
