// GET_ID: the chips' ids, 64 bytes a socket. SEV API (AMD 55766), 5.12.
import * as Layout from "../../abi/psp/get-id.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { writeSized } from "../memory.ts";

const ID = 64;

export const getId: CommandEntry = {
  layout: Layout,
  platform: when.ever,
  writesBuffer: true,
  run(psp, buffer) {
    const { platform } = psp;
    const bytes = ID * platform.sockets;
    const { ID_PADDR, ID_LENGTH } = Layout;
    // A second socket's chip is not modelled: its id is zero.
    const ids = () => {
      const all = new Uint8Array(bytes);
      all.set(platform.chipId);
      return all;
    };
    return writeSized(psp, buffer, ID_PADDR, ID_LENGTH, bytes, ids) ?? Status.SUCCESS;
  },
};
