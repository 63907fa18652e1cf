// The mailbox registers as the bus sees them. Linux sp-pci.c; spec digest psp-mailbox-commands.md 1.
import { createPlatform } from "../../dist/index.js";
import * as Mailbox from "../../ts/abi/mailbox.ts";
import { Chance, MIB, withCore } from "../core.ts";
import { assert, suite } from "../kit.ts";

const test = suite("mailbox");

const RESPONSE = 2 ** 31;
const ON_COMPLETION = 1;
const command = (id: number) => id * 2 ** Mailbox.COMMAND_LSB;

/** A machine whose firmware is asleep until the test answers for it. */
function mailbox() {
  const { core } = createPlatform({
    generation: "sev-snp",
    resident: 64 * MIB,
    initialise: false,
    ...withCore,
  });
  let rung = 0;
  core.firmware.onDoorbell(() => {
    rung++;
  });
  return { host: core.host, firmware: core.firmware, rings: () => rung };
}

test("at power-on no command is under way and the feature register says SEV", () => {
  const { host } = mailbox();
  assert.is(host.readRegister(Mailbox.CMD_RESP), RESPONSE);
  assert.is(host.readRegister(Mailbox.FEATURE), 1);
  for (const offset of [
    Mailbox.CMD_BUF_ADDR_LO,
    Mailbox.CMD_BUF_ADDR_HI,
    Mailbox.P2C_INTERRUPT_ENABLE,
    Mailbox.P2C_INTERRUPT_STATUS,
  ])
    assert.is(host.readRegister(offset), 0);
});

test("an offset without a register reads as an empty bus and takes no write", () => {
  const { host, rings } = mailbox();
  for (const offset of [1, 2, 3, 5, 0x0e, 0x18, 0x1c, 0x1000, 0x7fff_fffc]) {
    host.writeRegister(offset, 0);
    assert.is(host.readRegister(offset), 0xffff_ffff);
  }
  host.writeRegister(Mailbox.FEATURE, 0xffff_ffff);
  assert.is(host.readRegister(Mailbox.FEATURE), 1);
  assert.is(rings(), 0);
});

test("a command rings once, is busy until it is answered, and a second one is ignored meanwhile", () => {
  const { host, firmware, rings } = mailbox();
  host.writeRegister(Mailbox.CMD_BUF_ADDR_LO, 0x89ab_c000);
  host.writeRegister(Mailbox.CMD_BUF_ADDR_HI, 0x12);
  host.writeRegister(Mailbox.CMD_RESP, command(0x91));
  assert.is(rings(), 1);
  assert.is(host.readRegister(Mailbox.CMD_RESP), command(0x91));
  assert.equal(firmware.command(), { id: 0x91, buffer: 0x12_89ab_c000n });
  host.writeRegister(Mailbox.CMD_RESP, command(0x22));
  assert.is(rings(), 1);
  assert.is(firmware.command().id, 0x91);
  firmware.respond(0x1234);
  assert.is(host.readRegister(Mailbox.CMD_RESP), RESPONSE + command(0x91) + 0x1234);
  host.writeRegister(Mailbox.CMD_RESP, command(0x22));
  assert.is(rings(), 2);
});

test("a write with the response bit set is no command", () => {
  const { host, rings } = mailbox();
  host.writeRegister(Mailbox.CMD_RESP, RESPONSE + command(0x22));
  assert.is(rings(), 0);
  assert.is(host.readRegister(Mailbox.CMD_RESP), RESPONSE);
});

test("completion is noted only when it was asked for, and stays until it is acknowledged by a 1", () => {
  const { host, firmware } = mailbox();
  const status = () => host.readRegister(Mailbox.P2C_INTERRUPT_STATUS);
  host.writeRegister(Mailbox.CMD_RESP, command(0x0a));
  firmware.respond(0);
  assert.is(status(), 0);
  host.writeRegister(Mailbox.CMD_RESP, command(0x0a) + ON_COMPLETION);
  assert.is(status(), 0);
  firmware.respond(0);
  assert.is(status(), 2);
  host.writeRegister(Mailbox.CMD_RESP, command(0x0a));
  firmware.respond(0);
  assert.is(status(), 2, "an answer without the wish does not clear it");
  host.writeRegister(Mailbox.P2C_INTERRUPT_STATUS, 0xffff_fffd);
  assert.is(status(), 2);
  host.writeRegister(Mailbox.P2C_INTERRUPT_STATUS, 2);
  assert.is(status(), 0);
});

test("registers keep any 32 bits, and a status only its 16", () => {
  const { host, firmware } = mailbox();
  const chance = new Chance(80n);
  for (let round = 0; round < 50; round++) {
    const value = Number(chance.word() & 0xffff_ffffn);
    for (const offset of [
      Mailbox.CMD_BUF_ADDR_LO,
      Mailbox.CMD_BUF_ADDR_HI,
      Mailbox.P2C_INTERRUPT_ENABLE,
    ]) {
      host.writeRegister(offset, value);
      assert.is(host.readRegister(offset), value, "seed 80");
    }
  }
  host.writeRegister(Mailbox.CMD_RESP, command(0x7ff));
  firmware.respond(-1);
  assert.is(host.readRegister(Mailbox.CMD_RESP), RESPONSE + command(0x7ff) + 0xffff);
});
