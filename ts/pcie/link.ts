// The wires between a root port and a device, and whoever sits on them: reads, drops, repeats, alters, injects. PCIe 6.33.1.

/** Towards the root port, or away from it. */
export type Way = "up" | "down";

/** Sees every TLP as it travels, and says what arrives instead: itself, nothing, several. It may keep and `inject` later. */
export type Interposer = (way: Way, octets: Uint8Array) => readonly Uint8Array[];

export interface LinkEnd {
  /** TLPs, one behind the other. */
  receive(tlps: readonly Uint8Array[]): void;
}

/** What went over a link, as sent. */
export interface LinkCounters {
  tlps: number;
  bytes: number;
  /** Of those, under IDE. */
  protectedTlps: number;
}

export class Link {
  interposer: Interposer | undefined;
  readonly counters: LinkCounters = { tlps: 0, bytes: 0, protectedTlps: 0 };
  #top: LinkEnd | undefined;
  #bottom: LinkEnd | undefined;

  /** The root port's end and the device's. */
  join(top: LinkEnd, bottom: LinkEnd): void {
    this.#top = top;
    this.#bottom = bottom;
  }

  /** The device is pulled out: nobody hears what is sent down. */
  cut(): void {
    this.#bottom = undefined;
  }

  /** TLPs that leave one behind the other, all protected or none. */
  send(way: Way, tlps: readonly Uint8Array[], isProtected: boolean): void {
    const { counters, interposer } = this;
    counters.tlps += tlps.length;
    if (isProtected) counters.protectedTlps += tlps.length;
    for (const { length } of tlps) counters.bytes += length;
    if (!interposer) this.#deliver(way, tlps);
    else for (const octets of tlps) this.#deliver(way, interposer(way, octets));
  }

  /** Puts octets on the wires as if the other end had sent them. */
  inject(way: Way, octets: Uint8Array): void {
    this.#deliver(way, [octets]);
  }

  #deliver(way: Way, tlps: readonly Uint8Array[]): void {
    (way === "up" ? this.#top : this.#bottom)?.receive(tlps);
  }
}
