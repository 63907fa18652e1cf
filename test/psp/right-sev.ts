// Right values of the SEV and SEV-ES commands, for the fuzzer. What it sends away it sends to itself, and receives again.
import { makeFirmware } from "../../dist/hypervisor/page-state.js";
import { makeCertificate, sign } from "../../dist/psp/sev-certificate.js";
import type { SevGuest } from "../../dist/psp/sev-guest.js";
import * as Certificate from "../../ts/abi/psp/sev-certificate.ts";
import { hex } from "../core.ts";
import * as Owner from "../oracle/owner.ts";
import { type Notes, type Rights, type Sight, type Values, whole } from "./right.ts";

const SIZE = Certificate.SIZE;
const TMR = 0x10_0000;
const [PAGE, SESSION, HEADER] = [0x1000, 128, 52];
const [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE, SENT] = [1, 2, 3, 4, 5, 6];
const living = [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE];
const [NODBG, ES] = [1, 4];
const MIN_SEV_ASID = 0x80;

const isEs = ({ policy }: SevGuest) => (policy & ES) !== 0;

/** Values for one guest, by its handle. `active`: whether it must have an ASID; `es`: whether it must be a SEV-ES guest. */
const upon =
  (
    states: readonly number[],
    active: boolean | undefined,
    make: (see: Sight, one: SevGuest) => object,
    es = false,
  ) =>
  (see: Sight): Values | undefined => {
    const fits = [...see.rig.psp.sev.guests.values()].filter(
      (one) => states.includes(one.state) && (active ?? one.asid !== 0) === (one.asid !== 0),
    );
    const from = es ? fits.filter(isEs) : fits;
    if (from.length === 0) return undefined;
    const one = see.chance.pick(from);
    return whole({ HANDLE: one.handle, ...make(see, one) });
  };

const nothing = () => ({});
const asidOf = (see: Sight, { policy }: SevGuest) =>
  (policy & ES ? 1 : MIN_SEV_ASID) + see.chance.below(4);

/** The platform's certificates, as its PDH is now. Curves are dear: they are computed once a key. */
function certificatesOf(see: Sight) {
  const { sev } = see.rig.psp;
  if (!sev.known) return undefined;
  return see.keep(`certificates ${hex(sev.known.pdh)} ${sev.isOwned}`, () => ({
    pdh: sev.pdhCertificate(),
    chain: sev.chain(),
  }));
}

/** LAUNCH_START under an owner's session, or under none. */
function launchStart(see: Sight): Values | undefined {
  const POLICY = see.chance.pick([0, NODBG, ES, ES | NODBG]);
  const pdh = certificatesOf(see)?.pdh;
  if (!pdh || see.chance.once(2)) return { POLICY };
  const { certificate, data } = see.keep(`session ${hex(pdh.slice(0, 0x60))} ${POLICY}`, () =>
    Owner.session(pdh, POLICY),
  );
  const lengths = { DH_CERT_LENGTH: SIZE, SESSION_LENGTH: SESSION };
  const [DH_CERT_PADDR, SESSION_PADDR] = [see.bytes(certificate), see.bytes(data)];
  const isApart = DH_CERT_PADDR !== SESSION_PADDR;
  return isApart ? whole({ POLICY, DH_CERT_PADDR, SESSION_PADDR, ...lengths }) : undefined;
}

/** A guest's memory and, at another page, bytes of the host's. */
const debug = (see: Sight, into: boolean) => {
  const own = see.target();
  const other = into ? see.find("hypervisor") : see.target(own);
  const [SRC_PADDR, DST_PADDR] = into ? [other, own] : [own, other];
  return { SRC_PADDR, DST_PADDR, LENGTH: 16 };
};

/** What SEND_START and SEND_UPDATE_* wrote, read where it lies. */
interface Sent {
  session: Uint8Array;
  pdh: Uint8Array;
  policy: number;
  tek: string;
  pieces: { kind: "DATA" | "VMSA"; header: Uint8Array; data: Uint8Array }[];
}

const sent = (see: Sight) => see.keep<Sent[]>("sent", () => []);
const MOST_SENT = 4;

const sendStart = (es: boolean) =>
  upon(
    [RUNNING],
    undefined,
    (see) => {
      const mine = certificatesOf(see);
      const PLAT_CERTS_PADDR = mine && see.pair(mine.chain);
      const PDH_CERT_PADDR = mine && see.bytes(mine.pdh);
      const lengths = {
        PDH_CERT_LENGTH: SIZE,
        PLAT_CERTS_LENGTH: 3 * SIZE,
        SESSION_LENGTH: SESSION,
      };
      return {
        PDH_CERT_PADDR,
        PLAT_CERTS_PADDR,
        SESSION_PADDR: see.target(PDH_CERT_PADDR),
        ...lengths,
      };
    },
    es,
  );

const sendUpdate = (see: Sight) => {
  const HEADER_PADDR = see.target();
  const TRANS_PADDR = see.target(HEADER_PADDR);
  const GUEST_PADDR = see.target(HEADER_PADDR, TRANS_PADDR);
  const lengths = { HEADER_LENGTH: HEADER, GUEST_LENGTH: PAGE, TRANS_LENGTH: PAGE };
  return { HEADER_PADDR, TRANS_PADDR, GUEST_PADDR, ...lengths };
};

const receiveUpdate = (kind: "DATA" | "VMSA") => (see: Sight, guest: SevGuest) => {
  const from = sent(see).find(({ tek }) => tek === hex(guest.keys.tek));
  const piece = from?.pieces.find((one) => one.kind === kind);
  if (!piece) return { HEADER_PADDR: undefined };
  const HEADER_PADDR = see.bytes(piece.header);
  const TRANS_PADDR = see.bytes(piece.data);
  const lengths = { HEADER_LENGTH: HEADER, GUEST_LENGTH: PAGE, TRANS_LENGTH: PAGE };
  const GUEST_PADDR = see.target(HEADER_PADDR, TRANS_PADDR);
  return { HEADER_PADDR, TRANS_PADDR, GUEST_PADDR, ...lengths };
};

const update = (see: Sight) => ({ PADDR: see.target(), LENGTH: PAGE });

/** The PEK under a certificate authority of ours. */
function importPek(see: Sight): Values | undefined {
  const { sev } = see.rig.psp;
  if (!sev.known || sev.isOwned) return undefined;
  const secretKey = new Uint8Array(48).fill(7);
  const oca = makeCertificate(Certificate.OCA, secretKey, { major: 1, minor: 55, build: 29 });
  const pek = sev.pekRequest();
  for (const one of [oca, pek]) sign(one, 1, { usage: Certificate.OCA, secretKey });
  const [PEK_CERT_PADDR, OCA_CERT_PADDR] = [see.bytes(pek), see.bytes(oca)];
  if (PEK_CERT_PADDR === OCA_CERT_PADDR) return undefined;
  const lengths = { PEK_CERT_LENGTH: SIZE, OCA_CERT_LENGTH: SIZE };
  return whole({ PEK_CERT_PADDR, OCA_CERT_PADDR, ...lengths });
}

const activate = (states: readonly number[]) =>
  upon(states, false, (see, guest) => ({ ASID: asidOf(see, guest) }));

/** With a trusted memory region, which SEV-ES guests want; under SNP it is the firmware's. */
function trusted(see: Sight): Values {
  if (see.page(see.large).state !== "hypervisor") return {};
  const isSnp = see.rig.psp.platform.isSnpInit;
  for (let at = 0; isSnp && at < TMR; at += PAGE)
    makeFirmware(see.rig.host, see.large + BigInt(at));
  return { FLAGS: 1, TMR_PADDR: see.large, TMR_LENGTH: TMR };
}

export const right: Rights = {
  INIT: trusted,
  INIT_EX: trusted,
  GET_ID: (see) => whole({ ID_PADDR: see.target(), ID_LENGTH: 64 }),
  PEK_CSR: (see) => whole({ CSR_PADDR: see.target(), CSR_LENGTH: SIZE }),
  PEK_CERT_IMPORT: importPek,
  PDH_CERT_EXPORT: (see) => {
    const [PDH_CERT_PADDR, CERTS_PADDR] = [see.target(), see.pair()];
    const lengths = { PDH_CERT_LENGTH: SIZE, CERTS_LENGTH: 3 * SIZE };
    return whole({ PDH_CERT_PADDR, CERTS_PADDR, ...lengths });
  },
  LAUNCH_START: launchStart,
  ACTIVATE: (see) =>
    (see.chance.once(2) && activate([SUPDATE, RUPDATE])(see)) || activate(living)(see),
  ACTIVATE_EX: upon(living, false, (see, guest) => ({
    EX_LEN: 0x18,
    ASID: asidOf(see, guest),
    NUMIDS: 1,
    IDS_PADDR: see.bytes(new Uint8Array(4)),
  })),
  LAUNCH_UPDATE_DATA: upon([LUPDATE], true, update),
  LAUNCH_UPDATE_VMSA: upon([LUPDATE], true, update, true),
  LAUNCH_MEASURE: upon([LUPDATE], undefined, (see) => ({
    MEASURE_PADDR: see.target(),
    MEASURE_LENGTH: 48,
  })),
  LAUNCH_SECRET: upon([LSECRET], true, (see, { measure }) => {
    const { header, data } = Owner.secret(new Uint8Array(64).fill(5), measure as Uint8Array);
    const [HEADER_PADDR, TRANS_PADDR] = [see.bytes(header), see.bytes(data)];
    const lengths = { HEADER_LENGTH: HEADER, GUEST_LENGTH: 64, TRANS_LENGTH: 64 };
    return {
      HEADER_PADDR,
      TRANS_PADDR,
      GUEST_PADDR: see.target(HEADER_PADDR, TRANS_PADDR),
      ...lengths,
    };
  }),
  LAUNCH_FINISH: upon([LSECRET], undefined, nothing),
  ATTESTATION: upon([LSECRET, RUNNING], undefined, (see) => ({
    PADDR: see.target(),
    LENGTH: 0xd0,
  })),
  GUEST_STATUS: upon([...living, SENT], undefined, nothing),
  COPY: upon([LUPDATE, RUNNING, RUPDATE], true, (see) => debug(see, false)),
  DBG_DECRYPT: upon(living, true, (see) => debug(see, false)),
  DBG_ENCRYPT: upon(living, true, (see) => debug(see, true)),
  SEND_START: (see) => sendStart(see.chance.once(2))(see),
  SEND_UPDATE_DATA: upon([SUPDATE], true, sendUpdate),
  SEND_UPDATE_VMSA: upon([SUPDATE], true, sendUpdate, true),
  SEND_FINISH: upon([SUPDATE], undefined, nothing),
  SEND_CANCEL: upon([SUPDATE], undefined, nothing),
  RECEIVE_START: (see) => {
    const mine = certificatesOf(see);
    const all = sent(see).filter(({ pdh }) => hex(pdh) === hex(mine?.pdh ?? pdh));
    if (all.length === 0) return undefined;
    const carried = all.filter(({ pieces }) => pieces.length > 0);
    const { session, policy, pdh } = see.chance.pick(carried.length > 0 ? carried : all);
    const [PDH_CERT_PADDR, SESSION_PADDR] = [see.bytes(pdh), see.bytes(session)];
    if (PDH_CERT_PADDR === SESSION_PADDR) return undefined;
    const lengths = { PDH_CERT_LENGTH: SIZE, SESSION_LENGTH: SESSION };
    return whole({ POLICY: policy, PDH_CERT_PADDR, SESSION_PADDR, ...lengths });
  },
  RECEIVE_UPDATE_DATA: upon([RUPDATE], true, receiveUpdate("DATA")),
  RECEIVE_UPDATE_VMSA: upon([RUPDATE], true, receiveUpdate("VMSA"), true),
  RECEIVE_FINISH: upon([RUPDATE], undefined, nothing),
  DEACTIVATE: upon([...living, SENT], true, nothing),
  DECOMMISSION: upon([...living, SENT], false, nothing),
};

const noteUpdate = (kind: "DATA" | "VMSA") => (see: Sight, values: Values) => {
  const guest = see.rig.psp.sev.guests.get(values["HANDLE"] as number) as SevGuest;
  const to = sent(see).find(({ tek }) => tek === hex(guest.keys.tek));
  const header = see.rig.read(values["HEADER_PADDR"] as bigint, HEADER);
  const data = see.rig.read(values["TRANS_PADDR"] as bigint, PAGE);
  if (values["TRANS_LENGTH"] === PAGE && values["GUEST_LENGTH"] === PAGE)
    to?.pieces.push({ kind, header, data });
};

export const notes: Notes = {
  SEND_START(see, values) {
    const { policy, keys } = see.rig.psp.sev.guests.get(values["HANDLE"] as number) as SevGuest;
    const mine = certificatesOf(see);
    if (!mine) return;
    const session = see.rig.read(values["SESSION_PADDR"] as bigint, SESSION);
    const all = sent(see);
    all.push({ session, policy, pdh: mine.pdh, tek: hex(keys.tek), pieces: [] });
    if (all.length > MOST_SENT) all.shift();
  },
  SEND_UPDATE_DATA: noteUpdate("DATA"),
  SEND_UPDATE_VMSA: noteUpdate("VMSA"),
};
