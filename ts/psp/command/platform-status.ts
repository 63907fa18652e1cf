// PLATFORM_STATUS: version, state, owner and how many SEV guests there are. SEV API (AMD 55766), 5.7.
import * as Layout from "../../abi/psp/platform-status.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";

export const platformStatus: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  writesBuffer: true,
  run({ platform, sev }, buffer) {
    const { major, minor, build } = platform.current.version;
    buffer.setUint8(Layout.API_MAJOR, major);
    buffer.setUint8(Layout.API_MINOR, minor);
    buffer.setUint8(Layout.STATE, sev.state);
    buffer.setUint8(Layout.OWNER, Number(sev.isOwned) << Layout.OWNER_BIT);
    buffer.setUint8(Layout.CONFIG_LOW, Number(sev.es) << Layout.CONFIG_ES_BIT);
    buffer.setUint16(Layout.CONFIG_HIGH, 0, true);
    buffer.setUint8(Layout.BUILD, build);
    buffer.setUint32(Layout.GUEST_COUNT, sev.guests.size, true);
    return Status.SUCCESS;
  },
};
