// The wires between a root port and a device, and whoever sits on them: reads, drops, repeats, alters, injects. PCIe 6.33.1.

/** Towards the root port, or away from it. */
export type Way = "up" | "down";

/** Sees every TLP as it travels, and says what arrives instead: itself, nothing, several. It may keep and `inject` later. */
export type Interposer = (way: Way, octets: Uint8Array) => readonly Uint8Array[];

export interface LinkEnd {
  receive(octets: Uint8Array): void;
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

  send(way: Way, octets: Uint8Array, isProtected: boolean): void {
    this.counters.tlps++;
    this.counters.bytes += octets.length;
    if (isProtected) this.counters.protectedTlps++;
    if (!this.interposer) this.inject(way, octets);
    else for (const each of this.interposer(way, octets)) this.inject(way, each);
  }

  /** Puts octets on the wires as if the other end had sent them. */
  inject(way: Way, octets: Uint8Array): void {
    (way === "up" ? this.#top : this.#bottom)?.receive(octets);
  }
}
