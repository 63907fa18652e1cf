// TIO_DEV_CERTIFICATES: the chain that the session rests upon, read again. A device that shows another is refused. A draft: AMD's
// Linux series of 2025.

import * as Command from "../../abi/command.ts";
import * as Layout from "../../abi/psp/tio-dev-certificates.ts";
import * as Tio from "../../abi/psp/tio-values.ts";
import * as Status from "../../abi/status.ts";
import { type Exchange, PeerFault } from "../../spdm/exchange.ts";
import { equal } from "../../spdm/octets.ts";
import type { CommandEntry } from "../command.ts";
import { dataObject } from "../tio/buffer.ts";
import { spdmCommand, type TioCall } from "../tio/command.ts";
import type { Finish, Session } from "../tio/tio.ts";

export const tioDevCertificates: CommandEntry = spdmCommand({
  id: Command.TIO_DEV_CERTIFICATES,
  layout: Layout,
  begin: (call) => certificates(call, call.live.session as Session),
});

function* certificates(
  { device: { certSlot } }: TioCall,
  { requester, session }: Session,
): Exchange<Finish<TioCall>> {
  const known = requester.chain(certSlot).octets;
  const digest = (yield* requester.digests(session)).get(certSlot);
  if (!digest || !equal(digest, requester.suite.hash.digest(known)))
    return () => Status.DEV_CERT_CHANGED;
  yield* requester.certificate(certSlot, session);
  const { octets } = requester.chain(certSlot);
  if (!equal(octets, known)) throw new PeerFault("CERTIFICATE: not the chain of its digest");
  return ({ device }) => dataObject(Tio.ID_CERTIFICATE, device, octets);
}
