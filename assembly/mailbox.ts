// C2PMSG registers as the bus sees them: the only door between the hypervisor and the secure processor.
// Linux drivers/crypto/ccp/sp-pci.c and sev-dev.c; spec digest psp-mailbox-commands.md 1.
import * as Mailbox from "../ts/abi/mailbox";
import * as Memory from "../ts/abi/memory";

const RESPONSE: u32 = u32(1) << Mailbox.RESPONSE_BIT;

/** Reads a register at an offset of ts/abi/mailbox.ts. An offset without a register reads as all ones, as an empty bus does. */
export function readRegister(offset: u32): u32 {
  if (offset & 3 || offset >= u32(Mailbox.SIZE)) return u32.MAX_VALUE;
  return load<u32>(Memory.MAILBOX + offset);
}

/** Writes a register. True when it rings: a command was written. A command while one is under way is ignored. */
export function writeRegister(offset: u32, value: u32): bool {
  if (offset & 3 || offset >= u32(Mailbox.SIZE) || offset == Mailbox.FEATURE) return false;
  if (offset == Mailbox.P2C_INTERRUPT_STATUS) {
    // Writing a 1 acknowledges.
    store<u32>(Memory.MAILBOX + offset, load<u32>(Memory.MAILBOX + offset) & ~value);
    return false;
  }
  if (offset == Mailbox.CMD_RESP) {
    const busy = (load<u32>(Memory.MAILBOX, Mailbox.CMD_RESP) & RESPONSE) == 0;
    if (busy || value & RESPONSE) return false;
  }
  store<u32>(Memory.MAILBOX + offset, value);
  return offset == Mailbox.CMD_RESP;
}

/** Power-on: no command under way. */
export function resetMailbox(): void {
  memory.fill(Memory.MAILBOX, 0, Mailbox.SIZE);
  store<u32>(Memory.MAILBOX, RESPONSE, Mailbox.CMD_RESP);
  store<u32>(Memory.MAILBOX, 1 << Mailbox.SEV_BIT, Mailbox.FEATURE);
}

/** The firmware answers the command under way with a status. Answers whether the interrupt line rises. */
export function respond(status: u32): bool {
  const command = load<u32>(Memory.MAILBOX, Mailbox.CMD_RESP);
  const id = command & (((1 << Mailbox.COMMAND_WIDTH) - 1) << Mailbox.COMMAND_LSB);
  store<u32>(Memory.MAILBOX, RESPONSE | id | (status & 0xffff), Mailbox.CMD_RESP);
  const wanted = (command >> Mailbox.INTERRUPT_ON_COMPLETION_BIT) & 1;
  const complete = wanted << Mailbox.COMMAND_COMPLETE_BIT;
  const pending = load<u32>(Memory.MAILBOX, Mailbox.P2C_INTERRUPT_STATUS) | complete;
  store<u32>(Memory.MAILBOX, pending, Mailbox.P2C_INTERRUPT_STATUS);
  return (pending & load<u32>(Memory.MAILBOX, Mailbox.P2C_INTERRUPT_ENABLE)) != 0;
}
