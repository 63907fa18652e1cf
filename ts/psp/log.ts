// The mailbox as a log: each command with its fields and status by name, for `cloister psp log`.
import * as Command from "../abi/command.ts";
import * as Status from "../abi/status.ts";
import { fieldsOf } from "../layout.ts";
import { commands } from "./table.ts";

/** A command as it passed the mailbox. */
export interface CommandRecord {
  /** Counted from power-on. */
  ordinal: number;
  id: number;
  /** CmdBufAddr. */
  paddr: bigint;
  /** The command buffer before and after; absent when the command has none or it could not be read. */
  buffer?: Uint8Array | undefined;
  status: number;
  after?: Uint8Array | undefined;
}

export interface DecodedCommand {
  ordinal: number;
  command: string;
  status: string;
  /** In the buffer's order, reserved ones left out: numbers up to 8 bytes as hexadecimal, longer fields as their bytes. */
  fields: { name: string; value: string; after?: string }[];
}

const nameOf = (table: Record<string, number>, value: number, width: number) =>
  Object.entries(table).find(([, known]) => known === value)?.[0] ??
  `0x${value.toString(16).padStart(width, "0")}`;

export const commandName = (id: number): string => nameOf(Command, id, 3);
export const statusName = (status: number): string => nameOf(Status, status, 2);

/** A record with everything by name. */
export function decodeCommand({
  ordinal,
  id,
  buffer,
  status,
  after,
}: CommandRecord): DecodedCommand {
  const layout = commands.get(id)?.layout;
  const fields = [];
  for (const { name, at, bytes } of layout && buffer ? fieldsOf(layout) : []) {
    if (name.startsWith("RESERVED_")) continue;
    const value = text(buffer as Uint8Array, at, bytes);
    const later = after && text(after, at, bytes);
    fields.push({
      name,
      value,
      ...(later !== undefined && later !== value ? { after: later } : {}),
    });
  }
  return { ordinal, command: commandName(id), status: statusName(status), fields };
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const part = bytes.subarray(at, at + length);
  const digits = [...(length <= 8 ? part.toReversed() : part)].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return length <= 8 ? `0x${digits.join("").replace(/^0+(?=.)/, "")}` : digits.join("");
}
