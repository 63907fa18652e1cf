// Which register of which function a memory address means. PCIe 2.4.1.
import type { PcieFunction } from "./function.ts";

export interface Target {
  port: PcieFunction;
  /** A virtual function, from 0. */
  vf?: number;
  bar: number;
  offset: number;
}

/** The function whose BAR holds an address, the BAR, and the offset within; undefined: nobody's. */
export function routeOf(functions: Iterable<PcieFunction>, address: bigint): Target | undefined {
  for (const port of functions) {
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

/** The Requester ID of what a memory address means. */
export const idOf = ({ port, vf }: Target): number =>
  vf === undefined ? port.functionId : port.vfId(vf);
