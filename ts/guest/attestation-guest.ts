// A guest that boots to a GHCB, opens its secrets page and then does what it is told: the program behind the guest device.
import * as Psc from "../abi/page-state-change.ts";
import * as Secrets from "../abi/sealed-secrets.ts";
import { CheckFailed } from "../error.ts";
import { openSecrets } from "../sealed-secrets.ts";
import type { Image } from "../world.ts";
import { boot } from "./boot.ts";
import type { Cpu, Step } from "./cpu.ts";
import { changeStates, pvalidate } from "./ghcb/page-state.ts";
import { type CertificatePages, guestRequest } from "./ghcb/request.ts";
import { MessageKey, type SecretsPage } from "./message-key.ts";
import { type Carried, GuestMessages, type Question } from "./messages.ts";
import type { SevGuest } from "./sev.ts";

/** Where things lie in the guest's memory, which is mapped as it is. */
export const layout = {
  memory: 0x400000n,
  tables: 0x10000n,
  ghcb: 0x20000n,
  secrets: 0x21000n,
  request: 0x30000n,
  response: 0x31000n,
  certificates: 0x32000n,
} as const;

const PAGE = 0x1000n;
const CERTIFICATE_PAGES = 4n;
const ENTRY = 0xffff_fff0n;

export type Vmpck = 0 | 1 | 2 | 3;

/** What the guest does next, by the channel under each of its keys; undefined: it sleeps. */
export type NextTask = () => ((channel: (vmpck: Vmpck) => GuestMessages) => Step) | undefined;

/** Where the firmware put the secrets page, and whether it is sealed as the field guide has it. */
export interface SecretsPlace {
  readonly gpa: bigint;
  readonly sealed: boolean;
}

/** The image: one program, at the reset vector. It works on a copy of the secrets page, wherever that lies. `note` is told each
 *  message that it sends. */
export function attestationGuest(
  place: SecretsPlace,
  next: NextTask,
  note: (vmpck: Vmpck, question: Question) => void,
): Image {
  const program = function* (cpu: Cpu): Step {
    const page = yield* secretsAt(cpu, place);
    const guest = yield* boot(cpu, layout);
    if (!guest) throw new CheckFailed("the guest has no SEV-ES");
    yield* cpu.write(layout.secrets, page);
    yield* share(cpu, guest);
    const secrets: SecretsPage = {
      read: (at, into) => cpu.read(layout.secrets + BigInt(at), into),
      write: (at, from) => cpu.write(layout.secrets + BigInt(at), from),
    };
    const channel = (vmpck: Vmpck) =>
      new GuestMessages(
        new MessageKey(secrets, vmpck),
        (request, room) => carry(cpu, guest, request, room),
        (question) => note(vmpck, question),
      );
    for (;;) {
      const task = next();
      if (task) yield* task(channel);
      else yield* cpu.hlt();
    }
  };
  return { code: new Map([[ENTRY, program]]), entry: ENTRY };
}

/** Before paging an address is a gpa, and everything is private. */
function* secretsAt(cpu: Cpu, { gpa, sealed }: SecretsPlace): Step<Uint8Array> {
  const page = new Uint8Array(Secrets.SIZE);
  yield* cpu.read(gpa, page);
  if (!sealed) return page;
  const opened = openSecrets(page);
  if (!opened) throw new CheckFailed("secrets page: not the firmware's seal");
  return opened;
}

/** Gives the pages of requests to the hypervisor: rescinded, then shared, then mapped without the C-bit. */
function* share(cpu: Cpu, guest: SevGuest): Step {
  const pages = 2n + CERTIFICATE_PAGES;
  for (let i = 0n; i < pages; i++) {
    const gpa = layout.request + i * PAGE;
    const change = { gva: gpa, gpa, large: false };
    yield* pvalidate(cpu, guest, change, false);
    yield* changeStates(cpu, guest, [change], Psc.SHARED);
    yield* guest.pages.setEncrypted(cpu, gpa, false);
  }
}

function* carry(
  cpu: Cpu,
  guest: SevGuest,
  request: Uint8Array,
  room: number | undefined,
): Step<Carried> {
  yield* cpu.write(layout.request, request);
  const given: CertificatePages | undefined =
    room === undefined ? undefined : { gpa: layout.certificates, pages: BigInt(room) };
  const { outcome, firmware, vmm, pages } = yield* guestRequest(cpu, guest, layout, given);
  const response = new Uint8Array(Number(PAGE));
  yield* cpu.read(layout.response, response);
  const certificates = new Uint8Array((room ?? 0) * Number(PAGE));
  if (room) yield* cpu.read(layout.certificates, certificates);
  return { outcome, firmware, vmm, pages: Number(pages), response, certificates };
}
