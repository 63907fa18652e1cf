// A Selective IDE stream between a root port and an endpoint, as the host sets its registers up; the keys are none of its
// business. Linux drivers/pci/ide.c and sev-dev-tsm.c.
import * as Ide from "../../abi/ide.ts";
import * as LinkBlock from "../../abi/ide-link-stream.ts";
import * as Selective from "../../abi/ide-selective.ts";
import { bitOf } from "../../layout.ts";
import type { Pci } from "./pci.ts";

const field = (word: number, lsb: number, width: number) => (word >>> lsb) & (2 ** width - 1);
/** A block without address associations, and what one of them adds. */
const BLOCK = Selective.ADDRESS1;
const ASSOCIATION = Selective.SIZE - Selective.ADDRESS1;
const ASSOCIATIONS_WIDTH = 4;
const ALL = 0xffff;

/** Where the blocks of a port's Selective streams are. */
export function selectiveBlocks(port: Pci): number[] {
  const at = port.extended(Ide.EXTENDED_CAPABILITY_ID);
  if (at === undefined) return [];
  const word = port.read(at + Ide.CAPABILITY, 4);
  if (!bitOf(word, Ide.SELECTIVE_IDE_BIT)) return [];
  const links = bitOf(word, Ide.LINK_IDE_BIT)
    ? field(word, Ide.LINK_TCS_LSB, Ide.LINK_TCS_WIDTH) + 1
    : 0;
  const count = field(word, Ide.SELECTIVE_STREAMS_LSB, Ide.SELECTIVE_STREAMS_WIDTH) + 1;
  const blocks: number[] = [];
  let next = at + Ide.SIZE + links * LinkBlock.SIZE;
  for (let i = 0; i < count; i++) {
    blocks.push(next);
    const associations = port.read(next + Selective.CAPABILITY, 4) % 2 ** ASSOCIATIONS_WIDTH;
    next += BLOCK + associations * ASSOCIATION;
  }
  return blocks;
}

/** One of the two partners. */
export interface Partner {
  port: Pci;
  /** Which of its blocks. */
  index: number;
}

export class IdeStreamPair {
  readonly id: number;
  readonly endpoint: Partner;
  readonly rootPort: Partner;

  constructor(id: number, endpoint: Partner, rootPort: Partner) {
    this.id = id;
    this.endpoint = endpoint;
    this.rootPort = rootPort;
  }

  /** As `/sys/devices/pciDDDD:BB/` lists it: host bridge, root port, endpoint. */
  get name(): string {
    return `stream${this.id}.${this.rootPort.index}.${this.endpoint.index}`;
  }

  /** RID range, Stream ID and attributes, and not enabled: from now on keys have a place to go. */
  setup(): void {
    const tee = 2 ** Selective.TEE_LIMITED_BIT + 2 ** Selective.DEFAULT_STREAM_BIT;
    this.#prepare(this.endpoint, tee);
    this.#prepare(this.rootPort, 0);
  }

  #prepare(partner: Partner, attributes: number): void {
    const at = blockOf(partner);
    const { port } = partner;
    port.write(at + Selective.RID1, ALL * 2 ** Selective.RID_LIMIT_LSB, 4);
    port.write(at + Selective.RID2, 2 ** Selective.RID_VALID_BIT, 4);
    port.write(at + Selective.CONTROL, this.id * 2 ** Selective.STREAM_ID_LSB + attributes, 4);
  }

  /** Whether both ends are Secure at once, as pci_ide_stream_enable demands. An end that is not switches the other off. */
  enable(): boolean {
    for (const partner of [this.rootPort, this.endpoint]) {
      this.#setEnable(partner, true);
      const status = partner.port.read(blockOf(partner) + Selective.STATUS, 4);
      if (field(status, 0, Selective.STATE_WIDTH) === Selective.SECURE) continue;
      this.#setEnable(this.rootPort, false);
      return false;
    }
    return true;
  }

  get isSecure(): boolean {
    return [this.endpoint, this.rootPort].every((partner) => {
      const status = partner.port.read(blockOf(partner) + Selective.STATUS, 4);
      return field(status, 0, Selective.STATE_WIDTH) === Selective.SECURE;
    });
  }

  disable(): void {
    this.#setEnable(this.endpoint, false);
    this.#setEnable(this.rootPort, false);
  }

  #setEnable(partner: Partner, on: boolean): void {
    const at = blockOf(partner) + Selective.CONTROL;
    const bit = 2 ** Selective.ENABLE_BIT;
    const word = partner.port.read(at, 4);
    partner.port.write(at, (on ? word | bit : word & ~bit) >>> 0, 4);
  }

  /** Nothing is left of it. */
  teardown(): void {
    for (const partner of [this.endpoint, this.rootPort])
      for (const register of [Selective.CONTROL, Selective.RID2, Selective.RID1])
        partner.port.write(blockOf(partner) + register, 0, 4);
  }
}

const blockOf = ({ port, index }: Partner): number => selectiveBlocks(port)[index] as number;
