// The secure processor's loop: a doorbell rings, the command's file is found and run, its status posted.
import * as Status from "../abi/status.ts";
import { isWellFormed, viewOf } from "../layout.ts";
import type { FirmwarePort } from "../port.ts";
import type { Prng } from "../prng.ts";
import { Asids } from "./asids.ts";
import type { CommandEntry } from "./command.ts";
import { ContextPages } from "./context.ts";
import { type Dialect, dialects } from "./dialect.ts";
import { RootKeys } from "./keys.ts";
import type { CommandRecord } from "./log.ts";
import { placeOf, readHost, writeHost } from "./memory.ts";
import { pageAt, setPage } from "./page.ts";
import { type FirmwareOptions, PlatformState } from "./platform.ts";
import { SevPlatform } from "./sev-platform.ts";
import { commands } from "./table.ts";
import { Tio } from "./tio/tio.ts";

/** What a command may touch. */
export interface Psp {
  readonly port: FirmwarePort;
  /** The C-bit's mask in addresses of the host; 0 where memory is not encrypted. */
  readonly cBit: bigint;
  readonly chance: Prng;
  readonly platform: PlatformState;
  readonly contexts: ContextPages;
  readonly asids: Asids;
  readonly sev: SevPlatform;
  readonly keys: RootKeys;
  readonly dialect: Dialect;
  readonly tio: Tio;
  /** How many guests were launched since power-on. */
  readonly counters: { guests: number };
}

/** The key slot of the host's own SME key. */
const SME = 0;
const MOST_BUFFER = 0x1000n;

/** Starts the firmware: it makes the host's key, where memory encryption is on, and listens at its side of the mailbox. */
export function firmware(
  port: FirmwarePort,
  options: FirmwareOptions,
  chance: (boots: number, purpose: string) => Prng,
  listen?: (record: CommandRecord) => void,
): Psp {
  const platform = new PlatformState(options);
  const own = chance(platform.boots, "psp");
  const { encryption } = options.features;
  if (encryption) port.installKey(SME, own.bytes(16), own.bytes(16));
  port.enforceRmp(false);
  const tio = new Tio(port, options, () => chance(platform.boots, "tio"));
  const psp: Psp = {
    port,
    cBit: encryption ? 1n << BigInt(options.chip.cBit) : 0n,
    chance: own,
    platform,
    contexts: new ContextPages(port, own),
    asids: new Asids(port, options.chip),
    sev: new SevPlatform(platform, options.storage, chance(platform.boots, "platform keys")),
    keys: new RootKeys(),
    dialect: dialects[options.dialect],
    tio,
    counters: { guests: 0 },
  };
  let ordinal = 0;
  port.onDoorbell(() => {
    const { id, buffer } = port.command();
    const entry = commands.get(id);
    const before = listen && entry ? bytesOf(psp, entry, buffer) : undefined;
    const status = entry ? serve(psp, entry, buffer) : Status.INVALID_COMMAND;
    const after = before && entry ? bytesOf(psp, entry, buffer) : undefined;
    listen?.({ ordinal: ordinal++, id, paddr: buffer, buffer: before, status, after });
    port.respond(status);
  });
  return psp;
}

const bytesOf = (psp: Psp, { layout }: CommandEntry, paddr: bigint) =>
  layout && readHost(psp, paddr, layout.SIZE);

function serve(psp: Psp, entry: CommandEntry, paddr: bigint): number {
  const { snp, sev } = entry.platform;
  const status =
    snp.includes(psp.platform.snp) && sev.includes(psp.sev.state)
      ? serveBuffer(psp, entry, paddr)
      : Status.INVALID_PLATFORM_STATE;
  if (entry.writesBuffer) handBack(psp, paddr);
  return status;
}

function serveBuffer(psp: Psp, entry: CommandEntry, paddr: bigint): number {
  const { layout } = entry;
  if (!layout) return entry.run(psp, new DataView(new ArrayBuffer(0)));
  // "Command buffers do not cross a page": psp-mailbox-commands.md 1.
  const bytes = readHost(psp, paddr, layout.SIZE);
  if (!bytes || (paddr & 0xfffn) + BigInt(layout.SIZE) > MOST_BUFFER) return Status.INVALID_ADDRESS;
  const buffer = viewOf(bytes);
  if (entry.writesBuffer && !isFirmwarePage(psp, paddr)) return Status.INVALID_PAGE_STATE;
  if (!isWellFormed(layout, buffer)) return Status.INVALID_PARAM;
  const status = entry.run(psp, buffer);
  if (entry.writesBuffer) writeHost(psp, paddr, bytes);
  return status;
}

/** Whether the firmware may write a buffer where it lies. Before SNP_INIT it may anywhere. */
function isFirmwarePage(psp: Psp, paddr: bigint): boolean {
  const page = placeOf(psp, paddr).spa & ~0xfffn;
  if (!psp.platform.isSnpInit) return true;
  const { state, large } = pageAt(psp.port, page);
  return state === "firmware" && !large;
}

/** A legacy command that answers in its own buffer takes it from a Firmware page once SNP is initialised, and gives it back as a
 *  Reclaim page whatever it answers. Spec digest psp-mailbox-commands.md 8. */
function handBack(psp: Psp, paddr: bigint): void {
  const page = placeOf(psp, paddr).spa & ~0xfffn;
  if (psp.platform.isSnpInit && psp.port.covered(page) && isFirmwarePage(psp, paddr))
    setPage(psp.port, page, {});
}
