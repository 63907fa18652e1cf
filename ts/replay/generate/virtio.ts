// A driver of a split virtqueue: descriptors and ring written, one kick and one interrupt for every few requests.
// OASIS virtio 1.2, 2.7.
import * as Code from "../../abi/exit.ts";
import * as Records from "../record.ts";
import { CODE, DATA, draw, PAGE, type Pattern, type PatternOptions, push } from "./pattern.ts";

const QUEUE = 256;
const DESCRIPTOR = 16;
const AVAILABLE = DATA + QUEUE * DESCRIPTOR;
const USED = AVAILABLE + PAGE;
const BUFFERS = DATA + 4 * PAGE;
const REQUESTS_PER_KICK = 4;

export function virtio({ footprint, seed }: PatternOptions): Pattern {
  const pages = Math.max(1, Math.floor(footprint / PAGE) - 4);
  let turn = 0;
  return (batch) => {
    const buffers: number[] = [];
    for (let i = 0; i < REQUESTS_PER_KICK; i++) {
      const slot = (turn + i) % QUEUE;
      buffers.push(BUFFERS + (draw(seed, turn + i) % pages) * PAGE);
      push(batch, Records.FETCH, CODE, 6);
      push(batch, Records.STORE, DATA + slot * DESCRIPTOR, 8);
      push(batch, Records.STORE, DATA + slot * DESCRIPTOR + 8, 8);
      push(batch, Records.FETCH, CODE + 6, 5);
      push(batch, Records.STORE, AVAILABLE + 4 + 2 * slot, 2);
    }
    push(batch, Records.STORE, AVAILABLE + 2, 2);
    // The notification is a write to the device's registers.
    push(batch, Records.EXIT, 0, Code.VMGEXIT_MMIO_WRITE);
    for (const [i, buffer] of buffers.entries()) {
      const kind = draw(seed + 1, turn + i) % 3 === 0 ? Records.DMA_OUT : Records.DMA_IN;
      push(batch, kind, buffer, PAGE);
    }
    push(batch, Records.EXIT, 0, Code.VMEXIT_INTR);
    for (const buffer of buffers) push(batch, Records.LOAD, buffer, 8);
    push(batch, Records.LOAD, USED + 2, 2);
    turn += REQUESTS_PER_KICK;
  };
}
