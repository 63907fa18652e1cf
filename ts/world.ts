// The world switch, where guests are TypeScript programs: VMRUN has entered, so the program of the vCPU whose state was
// loaded goes on until it leaves. What a real guest has in memory as machine code, an image has as programs by address. DESIGN.md 9.
import * as Segment from "./abi/segment.ts";
import * as Vmsa from "./abi/vmsa.ts";
import type { Part, Program, Step } from "./guest/cpu.ts";
import { Cpu } from "./guest/cpu.ts";
import type { GuestPort } from "./port.ts";

/** A guest's programs, by the linear address that a vCPU starts them at: CS.base + RIP. */
export interface Image {
  code: ReadonlyMap<bigint, Program>;
  /** Where the boot vCPU starts; default 0xfffffff0, the reset vector. */
  entry?: bigint;
}

/** Who has programs: a VM. */
export interface Owner {
  readonly image: Image | undefined;
}

interface Live {
  cpu: Cpu;
  step: Step;
  owner: Owner | undefined;
}

// 64-bit code has no segment base.
const LONG = 2 ** Vmsa.ATTRIB_LONG_BIT;

export class World {
  readonly #port: GuestPort;
  readonly #part: Part;
  readonly #ownerOf: (asid: number) => Owner | undefined;
  /** Programs under way, by the page that holds their vCPU's state. */
  readonly #live = new Map<number, Live>();

  constructor(port: GuestPort, part: Part, ownerOf: (asid: number) => Owner | undefined) {
    this.#port = port;
    this.#part = part;
    this.#ownerOf = ownerOf;
    port.cpu.onEnter(() => this.#enter());
  }

  /** How many programs are under way. */
  get live(): number {
    return this.#live.size;
  }

  /** Ends the programs of a guest that is no more. */
  forget(owner: Owner): void {
    for (const [page, live] of this.#live) if (live.owner === owner) this.#live.delete(page);
  }

  #enter(): void {
    const { cpu } = this.#port;
    const page = cpu.statePage();
    const owner = this.#ownerOf(cpu.asid());
    let live = this.#live.get(page);
    if (!live || live.owner !== owner || !live.cpu.goesOn()) {
      live = this.#start(owner);
      this.#live.set(page, live);
    }
    try {
      live.step.next();
    } catch (error) {
      // A defect of the program's, not of the guest's: the CPU must not stay in it.
      this.#live.delete(page);
      live.cpu.abandon();
      throw error;
    }
  }

  /** The program at the vCPU's address. Memory without one is no instruction: #UD. */
  #start(owner: Owner | undefined): Live {
    const cpu = new Cpu(this.#port, this.#part);
    const program = owner?.image?.code.get(this.#address());
    const step = program ? cpu.run(program) : cpu.undefined();
    return { cpu, step, owner };
  }

  #address(): bigint {
    const { file, words } = this.#port.cpu;
    const rip = words[Vmsa.RIP / 8] as bigint;
    const long = file.getUint16(Vmsa.CS + Segment.ATTRIB, true) & LONG;
    return long ? rip : (words[(Vmsa.CS + Segment.BASE) / 8] as bigint) + rip;
  }
}
