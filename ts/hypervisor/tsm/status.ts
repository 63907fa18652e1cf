// TIO_STATUS and TIO_INIT as Linux's ccp driver uses them when it registers the TSM. Linux sev_tio_init_locked.
import * as Command from "../../abi/command.ts";
import * as Init from "../../abi/psp/tio-init.ts";
import * as StatusCommand from "../../abi/psp/tio-status.ts";
import * as Page from "../../abi/psp/tio-status-page.ts";
import * as Status from "../../abi/status.ts";
import { bitOf, bufferOf, viewOf } from "../../layout.ts";
import { TioBuffer, type TioParts } from "./buffers.ts";

/** How large the firmware wants its buffers. */
export interface TioSizes {
  request: number;
  scratch: number;
  output: number;
  deviceContext: number;
  tdiContext: number;
}

export interface TioStatus {
  enabled: boolean;
  initialised: boolean;
  sizes: TioSizes;
}

/** What TIO_STATUS tells; a status where the firmware has none. */
export function tioStatus(parts: TioParts): TioStatus | number {
  const page = new TioBuffer(parts, Page.SIZE, true);
  const STATUS_PADDR = page.sla;
  const asked = bufferOf(StatusCommand, { LENGTH: StatusCommand.SIZE, STATUS_PADDR });
  const status = parts.mailbox.send(Command.TIO_STATUS, asked);
  const view = viewOf(page.read(0, Page.SIZE));
  page.free();
  if (status !== Status.SUCCESS) return status;
  const flags = view.getUint32(Page.FLAGS, true);
  return {
    enabled: bitOf(flags, Page.TIO_EN_BIT),
    initialised: bitOf(flags, Page.TIO_INIT_DONE_BIT),
    sizes: {
      request: view.getUint32(Page.SPDM_REQ_SIZE_MAX, true),
      scratch: view.getUint32(Page.SPDM_SCRATCH_SIZE_MAX, true),
      output: view.getUint32(Page.SPDM_OUT_SIZE_MAX, true),
      deviceContext: view.getUint32(Page.DEVCTX_SIZE, true),
      tdiContext: view.getUint32(Page.TDICTX_SIZE, true),
    },
  };
}

/** TIO_INIT. Answers the status. */
export const tioInit = ({ mailbox }: TioParts): number =>
  mailbox.send(Command.TIO_INIT, bufferOf(Init, { LENGTH: Init.SIZE }));
