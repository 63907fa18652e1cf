// The secure processor's loop: a doorbell rings, the command's file is found and run, its status posted.
import * as Command from "../abi/command.ts";
import * as Frame from "../abi/frame.ts";
import * as Status from "../abi/status.ts";
import type { Chip, Features } from "../chip/chip.ts";
import type { FirmwarePort } from "../port.ts";
import type { Prng } from "../prng.ts";
import { Guests } from "./asids.ts";
import { activate } from "./command/activate.ts";
import { deactivate } from "./command/deactivate.ts";
import { decommission } from "./command/decommission.ts";
import { dfFlush } from "./command/df-flush.ts";
import { snpActivate } from "./command/snp-activate.ts";
import { snpDecommission } from "./command/snp-decommission.ts";

/** What a command may touch. */
export interface Psp {
  port: FirmwarePort;
  guests: Guests;
  /** Whether SNP is initialised. */
  snp: boolean;
}

/** A command: its buffer, already read, in; a status out. Anything but SUCCESS has changed nothing. */
export interface CommandEntry {
  /** Bytes of the command buffer; 0 when there is none. */
  size: number;
  run(psp: Psp, buffer: DataView): number;
}

const commands = new Map<number, CommandEntry>([
  [Command.DF_FLUSH, dfFlush],
  [Command.DECOMMISSION, decommission],
  [Command.ACTIVATE, activate],
  [Command.DEACTIVATE, deactivate],
  [Command.SNP_DF_FLUSH, dfFlush],
  [Command.SNP_DECOMMISSION, snpDecommission],
  [Command.SNP_ACTIVATE, snpActivate],
]);

const SNP_COMMANDS = 0x80;

/** The key slot of the host's own SME key. */
const SME = 0;

/** Starts the firmware: it makes the host's key, where memory encryption is on, and listens at its side of the mailbox. */
export function firmware(port: FirmwarePort, chip: Chip, chance: Prng, features: Features): Psp {
  const asids = { count: chip.asids, minSevAsid: chip.minSevAsid };
  const psp: Psp = { port, guests: new Guests(port, chance, asids), snp: features.snp };
  if (features.encryption) port.installKey(SME, chance.bytes(16), chance.bytes(16));
  port.onDoorbell(() => port.respond(serve(psp)));
  return psp;
}

function serve(psp: Psp): number {
  const { id, buffer } = psp.port.command();
  const entry = commands.get(id);
  if (!entry) return Status.INVALID_COMMAND;
  if (id >= SNP_COMMANDS && !psp.snp) return Status.INVALID_PLATFORM_STATE;
  const bytes = new Uint8Array(entry.size);
  if (entry.size > 0) {
    const inOnePage = (buffer & 0xfffn) + BigInt(entry.size) <= 0x1000n;
    // The host wrote the buffer without encryption: C-bit clear in CmdBufAddr.
    if (!inOnePage || !psp.port.read(buffer, Frame.RAW, bytes)) return Status.INVALID_ADDRESS;
  }
  return entry.run(psp, new DataView(bytes.buffer));
}
