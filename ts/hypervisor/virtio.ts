// A device behind a virtqueue, which the hypervisor emulates: it reaches the guest's memory by DMA alone. Virtio 1.2, 2.7.

import * as Layout from "../abi/virtq.ts";
import * as Descriptor from "../abi/virtq-descriptor.ts";
import type { DevicePort } from "../port.ts";

/** What it does with a request, as it received it: the reply, of which as much is sent as there is room. */
export type Serve = (request: Uint8Array) => Uint8Array;

interface Chain {
  gpa: bigint;
  bytes: number;
  write: boolean;
}

export class VirtioDevice {
  readonly #dma: DevicePort;
  readonly #id: number;
  readonly #queue: bigint;
  readonly #serve: Serve;
  #seen = 0;

  /** `id` is the device's at the IOMMU, attached to the guest's nested tables; `queue` the gpa of its queue. */
  constructor(dma: DevicePort, id: number, queue: bigint, serve: Serve) {
    this.#dma = dma;
    this.#id = id;
    this.#queue = queue;
    this.#serve = serve;
  }

  /** The driver has kicked: serves every chain on offer. False: the IOMMU refused a request. */
  kicked(): boolean {
    const index = this.#word(Layout.AVAIL_IDX);
    if (index === undefined) return false;
    for (; this.#seen !== index; this.#seen = (this.#seen + 1) % 2 ** 16)
      if (!this.#chain()) return false;
    return true;
  }

  #chain(): boolean {
    const slot = this.#seen % Layout.ENTRIES;
    const head = this.#word(Layout.AVAIL_RING + 2 * slot);
    const chain = head === undefined ? undefined : this.#chainOf(head);
    if (!chain) return false;
    const request = this.#gather(chain.filter(({ write }) => !write));
    if (!request) return false;
    const sent = this.#scatter(
      chain.filter(({ write }) => write),
      this.#serve(request),
    );
    if (sent === undefined) return false;
    const used = new DataView(new ArrayBuffer(Layout.USED_SIZE));
    used.setUint32(0, head as number, true);
    used.setUint32(4, sent, true);
    const index = new DataView(new ArrayBuffer(2));
    index.setUint16(0, this.#seen + 1, true);
    const at = Layout.USED_RING + Layout.USED_SIZE * slot;
    return (
      this.#dma.write(this.#id, this.#queue + BigInt(at), new Uint8Array(used.buffer)) &&
      this.#dma.write(this.#id, this.#queue + BigInt(Layout.USED_IDX), new Uint8Array(index.buffer))
    );
  }

  /** The buffers of a chain. A chain longer than the table is a loop. */
  #chainOf(head: number): Chain[] | undefined {
    const chain: Chain[] = [];
    const bytes = new Uint8Array(Descriptor.SIZE);
    const view = new DataView(bytes.buffer);
    for (let at = head; chain.length < Layout.ENTRIES; at = view.getUint16(Descriptor.NEXT, true)) {
      const place = Layout.DESCRIPTORS + (at % Layout.ENTRIES) * Descriptor.SIZE;
      if (!this.#dma.read(this.#id, this.#queue + BigInt(place), bytes)) return undefined;
      const flags = view.getUint16(Descriptor.FLAGS, true);
      chain.push({
        gpa: view.getBigUint64(Descriptor.ADDR, true),
        bytes: view.getUint32(Descriptor.LEN, true),
        write: (flags & (1 << Descriptor.WRITE_BIT)) !== 0,
      });
      if ((flags & (1 << Descriptor.NEXT_BIT)) === 0) return chain;
    }
    return undefined;
  }

  #gather(chain: Chain[]): Uint8Array | undefined {
    const whole = new Uint8Array(chain.reduce((sum, { bytes }) => sum + bytes, 0));
    let done = 0;
    for (const { gpa, bytes } of chain) {
      if (!this.#dma.read(this.#id, gpa, whole.subarray(done, done + bytes))) return undefined;
      done += bytes;
    }
    return whole;
  }

  #scatter(chain: Chain[], reply: Uint8Array): number | undefined {
    let done = 0;
    for (const { gpa, bytes } of chain) {
      const piece = reply.subarray(done, done + bytes);
      if (!this.#dma.write(this.#id, gpa, piece)) return undefined;
      done += piece.length;
    }
    return done;
  }

  #word(offset: number): number | undefined {
    const bytes = new Uint8Array(2);
    if (!this.#dma.read(this.#id, this.#queue + BigInt(offset), bytes)) return undefined;
    return new DataView(bytes.buffer).getUint16(0, true);
  }
}
