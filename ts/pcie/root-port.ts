// The host's side of the link: routing by BDF and address, and the set-up Linux does before a TSM connects. PCIe 2.4, 6.33.
import * as Config from "../abi/config-space.ts";
import * as Selective from "../abi/ide-selective.ts";
import { Misuse } from "../error.ts";
import type { PcieFunction } from "./function.ts";

const MMIO_BASE = 0x80_0000_0000n;

export interface StreamSetup {
  streamId: number;
  /** Which register block of the port. */
  block?: number;
  isDefault?: boolean;
  enable?: boolean;
}

export class RootPort {
  readonly #functions: Map<number, PcieFunction> = new Map();

  attach(port: PcieFunction): void {
    if (this.#functions.has(port.functionId)) {
      throw new Misuse(`BDF ${port.functionId.toString(16)}: taken already`);
    }
    this.#functions.set(port.functionId, port);
  }

  /** Configuration requests go by BDF; nobody there reads as ones. */
  read(bdf: number, offset: number, bytes: 1 | 2 | 4): number {
    return this.#functions.get(bdf)?.config.read(offset, bytes) ?? 2 ** (8 * bytes) - 1;
  }

  write(bdf: number, offset: number, value: number, bytes: 1 | 2 | 4): void {
    this.#functions.get(bdf)?.config.write(offset, value, bytes);
  }

  /** Memory requests go by address: the function, BAR and offset behind it. */
  route(
    address: bigint,
  ): { port: PcieFunction; vf?: number; bar: number; offset: number } | undefined {
    for (const port of this.#functions.values()) {
      for (const { index, bytes } of port.bars) {
        const base = port.barAddress(index);
        if (base === undefined || address < base || address >= base + BigInt(bytes)) continue;
        return { port, bar: index, offset: Number(address - base) };
      }
      for (let vf = 0; vf < port.enabledVfs; vf++) {
        for (const { index, bytes } of port.vfBars) {
          const base = port.vfBarAddress(vf, index);
          if (base === undefined || address < base || address >= base + BigInt(bytes)) continue;
          return { port, vf, bar: index, offset: Number(address - base) };
        }
      }
    }
    return undefined;
  }

  /** Gives every BAR an address of its own size's alignment and switches the function on. */
  enumerate(): void {
    let next = MMIO_BASE;
    for (const port of this.#functions.values()) {
      for (const bar of port.bars) {
        const size = BigInt(bar.bytes);
        next = (next + size - 1n) & -size;
        port.config.write(Config.BAR0 + 4 * bar.index, Number(next & 0xffffffffn), 4);
        port.config.write(Config.BAR0 + 4 * bar.index + 4, Number(next >> 32n), 4);
        next += size;
      }
      const on = (1 << Config.MEMORY_SPACE_BIT) | (1 << Config.BUS_MASTER_BIT);
      port.config.write(Config.COMMAND, on, 2);
    }
  }

  /** pci_ide_stream_setup: RID range, Stream ID and attributes; keys come from the TSM. */
  setupStream(port: PcieFunction, setup: StreamSetup): void {
    const base = port.streamBase(setup.block ?? 0);
    const rid1 = 0xffff * 2 ** Selective.RID_LIMIT_LSB;
    port.config.write(base + Selective.RID1, rid1, 4);
    port.config.write(base + Selective.RID2, 2 ** Selective.RID_VALID_BIT, 4);
    const control =
      setup.streamId * 2 ** Selective.STREAM_ID_LSB +
      2 ** Selective.TEE_LIMITED_BIT +
      (setup.isDefault === false ? 0 : 2 ** Selective.DEFAULT_STREAM_BIT) +
      (setup.enable ? 2 ** Selective.ENABLE_BIT : 0);
    port.config.write(base + Selective.CONTROL, control, 4);
  }

  /** pci_ide_stream_enable: true when the stream is Secure at once, as Linux demands. */
  enableStream(port: PcieFunction, block = 0): boolean {
    const at = port.streamBase(block) + Selective.CONTROL;
    port.config.write(at, (port.config.read(at, 4) | (2 ** Selective.ENABLE_BIT)) >>> 0, 4);
    return port.streams[block]?.isSecure ?? false;
  }
}
