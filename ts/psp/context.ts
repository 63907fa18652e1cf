// Guest context pages: what the firmware keeps of each SNP guest, sealed in memory.
import * as Layout from "../abi/psp/guest-context.ts";
import * as Status from "../abi/status.ts";
import type { FirmwarePort } from "../port.ts";
import type { Prng } from "../prng.ts";
import { decodeContext, encodeContext } from "./context-codec.ts";
import type { Contexts } from "./facts.ts";
import type { GuestContext } from "./guest.ts";
import { SealedPages } from "./sealed-pages.ts";

export class ContextPages extends SealedPages<GuestContext> implements Contexts {
  constructor(port: FirmwarePort, chance: Prng) {
    super(port, chance.bytes(32), {
      size: Layout.SIZE,
      encode: encodeContext,
      decode: decodeContext,
      absent: Status.INVALID_GUEST,
    });
  }
}
