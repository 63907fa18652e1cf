// TIO_DEV_MEASUREMENTS: the device signs what it measured over the host's nonce. The object has what the signature is over: VCA,
// GET_MEASUREMENTS and MEASUREMENTS. A draft: AMD's Linux series of 2025.

import { sha384 } from "@noble/hashes/sha2.js";
import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-measurements.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import { bitOf } from "../../layout.ts";
import type { Exchange } from "../../spdm/exchange.ts";
import { join } from "../../spdm/octets.ts";
import { measurements } from "../../tsm/measure.ts";
import type { CommandEntry } from "../command.ts";
import { dataObject } from "../tio/buffer.ts";
import { spdmCommand, type TioCall } from "../tio/command.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioDevMeasurements: CommandEntry = spdmCommand({
  id: Command.TIO_DEV_MEASUREMENTS,
  layout: Layout,
  begin: (call) => measure(call, call.live.session as Session),
});

function* measure(
  { buffer, device }: TioCall,
  { requester, session }: Session,
): Exchange<Finish<TioCall>> {
  const raw = bitOf(buffer.getUint32(Layout.FLAGS, true), Layout.RAW_BITSTREAM_BIT);
  const nonce = Uint8Array.from({ length: 32 }, (_, i) => buffer.getUint8(Layout.MEAS_NONCE + i));
  const asked = { raw, slot: device.certSlot, nonce };
  const { messages } = yield* measurements(requester, asked, session);
  const data = join(requester.transcript.a, messages);
  return ({ tio, dev, device: now }) => {
    const count = now.measurements + 1;
    tio.saveDevice(dev, { ...now, measurements: count, measDigest: sha384(data) });
    return dataObject(Tio.ID_MEASUREMENT, now, data);
  };
}
