// The field guide's seven steps of trusted I/O, on a Turin with one device, in one process: node examples/tio-workflow.mjs
import { TioMachine } from "cloister/tio";

const PF0 = 0x100; // 0000:01:00.0, function 0: mailbox and IDE
const VF = 0x101; // 0000:01:00.1, the interface for the guest
const BUFFER = 0x210000n; // in the guest's private memory

// A device: when register 8 is written, it writes its data where register 0 points.
const DATA = new TextEncoder().encode("hello from the device");
const device = (dma) => {
  const registers = new Uint8Array(16);
  return {
    load: (_bar, offset, into) => into.set(registers.subarray(offset, offset + into.length)),
    store(_bar, offset, from) {
      registers.set(from, offset);
      const address = new DataView(registers.buffer).getBigUint64(0, true);
      if (offset === 8) dma.write(address, DATA);
    },
    reset: () => registers.fill(0),
  };
};

// 1. The host boots: its driver makes the secure processor a TSM.
const machine = new TioMachine({ devices: [{ behaviour: device, vfs: 1 }] });
const { tsm } = machine;
console.log("1.", tsm.read("/sys/class/tsm/").trim());

// 2. A device with IDE has the TSM's nodes.
console.log("2.", tsm.nodes(PF0).join(" "));

// 3. The link is encrypted: an SPDM session, and keys for both ends that the host never sees.
tsm.write(machine.node(PF0, "tsm/connect"), "tsm0\n");
console.log("3.", tsm.read("/sys/devices/pci0000:00/stream0.0.0").trim(), "has a Secure stream");

// 4. The interface is hotplugged to the VM, which sees it on its own bus.
const rid = machine.assign(VF);
console.log("4.", machine.node(rid, "tsm/lock"));

/** The guest asks the device for its data, and says what it found in its private memory. */
function transfer() {
  const [bar] = machine.assigned[0].bars;
  const seen = new Uint8Array(DATA.length);
  machine.run(function* (_tsm, cpu) {
    yield* cpu.write(BUFFER, new Uint8Array(DATA.length));
    const address = new Uint8Array(8);
    new DataView(address.buffer).setBigUint64(0, BUFFER, true);
    yield* cpu.write(bar.gpa, address);
    yield* cpu.write(bar.gpa + 8n, Uint8Array.of(1));
    yield* cpu.read(BUFFER, seen);
  });
  return new TextDecoder().decode(seen).replace(/\0/g, ".");
}
console.log("   before the lock the guest finds", transfer());

// 5. and 6. The guest has it locked, and looks at certificates, measurements and report before it accepts it.
machine.write(rid, "tsm/lock", "tsm0\n");
const { certificates, measurements } = machine.attested(rid);
console.log("5.", certificates.length, "certificates,", measurements.length, "measurements");
machine.write(rid, "tsm/accept", "1\n");
console.log("6.", "bound to", tsm.read(machine.node(VF, "tsm/bound")).trim());

// 7. The device writes into private memory; the host sees ciphertext.
console.log("7.", "the guest finds", transfer());
const host = new Uint8Array(8);
machine.platform.core.host.read(machine.vm.spaOf(BUFFER), host);
console.log("   the host finds", Buffer.from(host).toString("hex"));

// And back: the guest gives it up.
machine.write(rid, "tsm/unlock", "tsm0\n");
tsm.write(machine.node(PF0, "tsm/disconnect"), "tsm0\n");
