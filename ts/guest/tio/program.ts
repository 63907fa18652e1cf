// A guest with a TSM of its own: it boots to a GHCB, opens its secrets page, shares pages for requests and evidence, and then
// does what it is told to its devices.
import * as Psc from "../../abi/page-state-change.ts";
import { CheckFailed } from "../../error.ts";
import type { Image } from "../../world.ts";
import { boot } from "../boot.ts";
import type { Cpu, Step } from "../cpu.ts";
import { changeStates, pvalidate } from "../ghcb/page-state.ts";
import { MessageKey } from "../message-key.ts";
import type { SevGuest } from "../sev.ts";
import { TioMessages } from "./messages.ts";
import { type GuestDevice, GuestTsm, type GuestTsmOptions } from "./tsm.ts";

/** Where things lie in the guest's memory, which is mapped as it is. Devices are behind it. */
export const tioLayout = {
  memory: 0x400000n,
  mmio: 0x200000n,
  tables: 0x10000n,
  ghcb: 0x20000n,
  secrets: 0x21000n,
  request: 0x30000n,
  response: 0x31000n,
  /** Room for 64 KiB of report, and as much again. */
  evidence: { gpa: 0x40000n, pages: 40n },
  /** Free for drivers, private. */
  buffers: 0x200000n,
} as const;

const PAGE = 0x1000n;
const ENTRY = 0xffff_fff0n;
const SECRETS = 0x1000;

/** What the guest does next; undefined: it sleeps. */
export type NextTioTask = () => ((tsm: GuestTsm, cpu: Cpu, guest: SevGuest) => Step) | undefined;

/** The image: one program, at the reset vector. `secrets` is where the launch put the secrets page. */
export function tioGuest(
  secrets: bigint,
  devices: readonly GuestDevice[],
  options: GuestTsmOptions,
  next: NextTioTask,
): Image {
  const program = function* (cpu: Cpu): Step {
    const page = new Uint8Array(SECRETS);
    yield* cpu.read(secrets, page);
    const guest = yield* boot(cpu, tioLayout);
    if (!guest) throw new CheckFailed("the guest has no SEV-ES");
    yield* cpu.write(tioLayout.secrets, page);
    yield* share(cpu, guest);
    const key = new MessageKey(
      {
        read: (at, into) => cpu.read(tioLayout.secrets + BigInt(at), into),
        write: (at, from) => cpu.write(tioLayout.secrets + BigInt(at), from),
      },
      0,
    );
    const tsm = new GuestTsm(cpu, guest, new TioMessages(cpu, guest, key, tioLayout), options);
    for (const device of devices) tsm.add(device);
    for (;;) {
      const task = next();
      if (task) yield* task(tsm, cpu, guest);
      else yield* cpu.hlt();
    }
  };
  return { code: new Map([[ENTRY, program]]), entry: ENTRY };
}

/** Gives pages to the hypervisor: rescinded, then shared, then mapped without the C-bit. */
function* share(cpu: Cpu, guest: SevGuest): Step {
  const { request, response, evidence } = tioLayout;
  const pages: bigint[] = [request, response];
  for (let i = 0n; i < evidence.pages; i++) pages.push(evidence.gpa + i * PAGE);
  for (const gpa of pages) {
    const change = { gva: gpa, gpa, large: false };
    yield* pvalidate(cpu, guest, change, false);
    yield* changeStates(cpu, guest, [change], Psc.SHARED);
    yield* guest.pages.setEncrypted(cpu, gpa, false);
  }
}
