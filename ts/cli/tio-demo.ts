// cloister tio demo: trusted I/O from tsm0 to a transfer into private memory, every message in words.
import { appendFileSync, writeFileSync } from "node:fs";
import * as Accelerator from "../abi/accelerator.ts";
import * as Command from "../abi/command.ts";
import * as Message from "../abi/message.ts";
import * as Header from "../abi/message-header.ts";
import * as GuestRequest from "../abi/psp/tio-guest-request.ts";
import { HashAccelerator } from "../device/accelerator.ts";
import { BadInput, CheckFailed, Misuse } from "../error.ts";
import type { Attested } from "../guest/tio/evidence.ts";
import type { TioPhase } from "../hypervisor/tsm/tsm.ts";
import { viewOf } from "../layout.ts";
import { Errno } from "../linux/errno.ts";
import { pciName } from "../linux/pci-name.ts";
import { type CommandRecord, decodeCommand } from "../psp/log.ts";
import { SHA384 } from "../spdm/crypto.ts";
import { describe } from "../spdm/decode.ts";
import { equal, hex } from "../spdm/octets.ts";
import { pcapngHeader, pcapngPacket } from "../spdm/pcapng.ts";
import { TioMachine } from "../tio/machine.ts";

interface DemoOptions {
  tioPhase: TioPhase;
  seed: number;
  json?: boolean;
  pcap?: string;
}

/** One thing that happened, in order. */
interface Line {
  kind: "step" | "node" | "command" | "spdm" | "message" | "result";
  text: string;
}

const PF0 = 0x100;
const VF = 0x101;
/** Pages of the guest's own: a list for the device, what it hashes, and the digest. */
const LIST = 0x210000n;
const BUFFER = 0x211000n;
const DIGEST = 0x212000n;
/** A capture has no clock of its own: a millisecond a message, from this time on. */
const EPOCH = Date.UTC(2026, 0, 1);
const TEXT = new TextEncoder().encode("what only the guest knows");

class Demo {
  readonly lines: Line[] = [];
  readonly #machine: TioMachine;
  readonly #say: (line: Line) => void;
  readonly #pcap: string | undefined;
  #words: { request?: string; response?: string } = {};
  #request: Uint8Array | undefined;
  #packets = 0;
  #attested: Attested | undefined;

  constructor({ tioPhase: phase, seed, pcap }: DemoOptions, say: (line: Line) => void) {
    this.#say = say;
    this.#pcap = pcap;
    if (pcap) save(() => writeFileSync(pcap, pcapngHeader("pci-doe")), pcap);
    let early: CommandRecord[] | undefined = [];
    const onCommand = (record: CommandRecord) => {
      if (early) early.push(record);
      else this.#command(record);
    };
    this.#machine = new TioMachine({
      phase,
      seed: BigInt(seed),
      onCommand,
      devices: [
        {
          behaviour: (dma) => new HashAccelerator(dma),
          vfs: 1,
          tap: (side, message, sessionId) => {
            this.#words[side] = describe(message, sessionId);
          },
        },
      ],
      judge: (attested) => {
        this.#attested = attested;
      },
    });
    this.#tell("step", "1. the host boots: its driver makes the secure processor a TSM, tsm0");
    for (const record of early) this.#command(record);
    early = undefined;
    this.#machine.tsm.onObject = (direction, object) => this.#object(direction, object);
  }

  #tell(kind: Line["kind"], text: string): void {
    const line = { kind, text };
    this.lines.push(line);
    this.#say(line);
  }

  /** SEV-TIO's commands; a guest's message says its type on the outside. */
  #command(record: CommandRecord): void {
    const { command, status, fields } = decodeCommand(record);
    if (!command.startsWith("TIO_")) return;
    const shown = fields.filter(({ name }) =>
      /^(DEVICE_ID|ROOT|GUEST_DEV|RUN$|FLAGS|TC)/.test(name),
    );
    const text = shown.map(({ name, value }) => `${name} ${value}`);
    this.#tell("command", [command, ...text, status].join(", "));
    if (record.id !== Command.TIO_GUEST_REQUEST || !record.buffer) return;
    const paddr = viewOf(record.buffer).getBigUint64(GuestRequest.REQ_PADDR, true);
    const header = new Uint8Array(Header.SIZE);
    this.#machine.platform.core.host.read(paddr, header);
    const type = header[Header.MSG_TYPE];
    const isIt = ([name, known]: [string, number]) => known === type && name.endsWith("_REQ");
    const name = Object.entries(Message).find(isIt)?.[0] ?? `${type}`;
    const seqno = viewOf(header).getBigUint64(Header.MSG_SEQNO, true);
    this.#tell("message", `MSG_${name}, number ${seqno}, sealed`);
  }

  /** Once the device has answered it has said what both were. */
  #object(direction: "request" | "response", object: Uint8Array | undefined): void {
    if (direction === "request") this.#request = object;
    else {
      this.#packet("request", this.#request);
      this.#packet("response", object);
    }
  }

  #packet(direction: "request" | "response", object: Uint8Array | undefined): void {
    const comment = this.#words[direction] ?? `DOE, ${object?.length ?? 0} bytes`;
    delete this.#words[direction];
    this.#tell("spdm", `${direction === "request" ? "->" : "<-"} ${comment}`);
    const pcap = this.#pcap;
    if (!pcap || !object) return;
    const time = EPOCH + this.#packets++;
    save(() => appendFileSync(pcap, pcapngPacket({ time, direction, object, comment })), pcap);
  }

  #node(path: string, text: string, act: () => void): void {
    this.#tell("node", `echo ${text} > ${path}`);
    act();
  }

  /** The steps that a phase has. */
  run(): void {
    const made = this.#machine;
    this.#tell("step", `2. ${pciName(PF0)} has nodes: ${made.tsm.nodes(PF0).join(", ")}`);
    this.#tell("step", "3. tsm/connect: the link is encrypted");
    const connect = made.node(PF0, "tsm/connect");
    this.#node(connect, "tsm0", () => made.tsm.write(connect, "tsm0\n"));
    const { stream } = made.tsm.connected(PF0);
    this.#tell("result", `${stream.name} ${stream.isSecure ? "Secure" : "Insecure"} at both ends`);
    const rid = made.assign(VF);
    this.#tell("step", `4. ${pciName(VF)} is hotplugged to the VM, which sees ${pciName(rid)}`);
    if (made.phase < 2) return this.#tell("result", "phase 1 ends here");
    this.#tell(
      "step",
      "5. and 6. tsm/lock: the guest has the interface locked and looks at evidence",
    );
    const lock = made.node(rid, "tsm/lock");
    this.#node(lock, "tsm0", () => made.write(rid, "tsm/lock", "tsm0\n"));
    this.#evidence();
    const accept = made.node(rid, "tsm/accept");
    this.#node(accept, "1", () => made.write(rid, "tsm/accept", "1\n"));
    this.#tell("result", `tsm/bound: ${made.tsm.read(made.node(VF, "tsm/bound")).trim()}`);
    this.#tell("step", "7. the device hashes the guest's private memory, by DMA");
    this.#transfer();
  }

  #evidence(): void {
    if (!this.#attested) return this.#tell("result", "report only: evidence comes with phase 4");
    const { certificates, measurements, believed } = this.#attested;
    const root = believed ? "root believed" : "no root given";
    this.#tell("result", `chain of ${certificates.length} certificates holds, ${root}`);
    for (const { index, value } of measurements)
      this.#tell("result", `measurement ${index}: ${hex(value)}`);
  }

  #transfer(): void {
    const { assigned, vm, platform, phase } = this.#machine;
    const at = assigned[0]?.bars[0]?.gpa ?? 0n;
    const seen = new Uint8Array(SHA384.bytes);
    this.#machine.run(function* (_tsm, cpu) {
      const list = new Uint8Array(Accelerator.DESCRIPTOR_SIZE);
      list.set(wordOf(BUFFER), Accelerator.DESCRIPTOR_ADDRESS);
      list.set(wordOf(BigInt(TEXT.length)), Accelerator.DESCRIPTOR_LENGTH);
      yield* cpu.write(BUFFER, TEXT);
      yield* cpu.write(LIST, list);
      yield* cpu.write(DIGEST, new Uint8Array(SHA384.bytes));
      yield* cpu.write(at + BigInt(Accelerator.LIST), wordOf(LIST));
      yield* cpu.write(at + BigInt(Accelerator.RESULT), wordOf(DIGEST));
      yield* cpu.write(at + BigInt(Accelerator.DOORBELL), Uint8Array.of(1, 0, 0, 0));
      yield* cpu.read(DIGEST, seen);
    });
    const arrived = equal(seen, SHA384.digest(TEXT));
    if (arrived !== phase >= 3) throw new CheckFailed(`DMA in phase ${phase}: arrived ${arrived}`);
    if (!arrived) return this.#tell("result", `phase ${phase}: the IOMMU refused it`);
    this.#tell("result", `the guest reads its digest: ${hex(seen)}`);
    const host = new Uint8Array(TEXT.length);
    platform.core.host.read(vm.spaOf(BUFFER) as bigint, host);
    this.#tell("result", `the host reads, of the text:  ${hex(host)}`);
  }
}

function wordOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value, true);
  return bytes;
}

function save(act: () => void, file: string): void {
  try {
    act();
  } catch (error) {
    throw new BadInput(`${file}: ${(error as Error).message}`);
  }
}

const indents: Record<Line["kind"], string> = {
  step: "",
  node: "  ",
  command: "    ",
  spdm: "      ",
  message: "      ",
  result: "  ",
};

export function tioDemo(options: DemoOptions): void {
  const print = ({ kind, text }: Line) => process.stdout.write(`${indents[kind]}${text}\n`);
  const demo = new Demo(options, options.json ? () => {} : print);
  try {
    demo.run();
  } catch (error) {
    if (error instanceof Errno) throw new Misuse(error.message);
    throw error;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(demo.lines, null, 2)}\n`);
}
