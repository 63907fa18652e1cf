// A slow twin of the secure processor's flash: what each command that succeeds leaves for the next life. Written from docs/firmware.md
// ("What outlives power") and the digest of SNP_CONFIG, COMMIT and VLEK_LOAD, not from ts/psp/.

/** What counts of a platform when power comes back; TCBs as TCB_VERSION words. */
export interface Kept {
  build: number;
  committed: bigint;
  reported: bigint;
  masks: number;
  vlek: bigint | undefined;
}

/** Bytes of the host's memory. */
type Memory = (spa: bigint, bytes: number) => DataView;

const SNP_SVN = 6n * 8n;

/** The flash as it must be, command after command. */
export class Flash {
  kept: Kept;
  /** The firmware that runs, which is lost with power unless it is committed. */
  #running: { build: number; tcb: bigint };

  constructor(kept: Kept) {
    this.kept = kept;
    this.#running = { build: kept.build, tcb: kept.committed };
  }

  /** Notes that a command succeeded. */
  done(id: number, buffer: DataView, memory: Memory): void {
    const [word, long] = [(at: number) => buffer.getUint32(at, true), this.#long(buffer)];
    if (id === 0x00b) this.#load(memory(long(0), 0x20));
    if (id === 0x0ca) this.#load(memory(long(0x08), 0x20));
    if (id === 0x0cb || (id === 0x0ca && word(0x14) === 1)) this.#commit();
    if (id === 0x0c9) this.#report(long(0) || this.kept.committed, word(8));
    if (id === 0x0cd) {
      const stick = memory(long(8), 0x1b0);
      this.kept = { ...this.kept, vlek: this.#long(stick)(0x190) };
    }
  }

  #long = (view: DataView) => (at: number) => view.getBigUint64(at, true);

  #load(image: DataView): void {
    const svn = BigInt(image.getUint8(0x13));
    const others = this.#running.tcb & ~(0xffn << SNP_SVN);
    this.#running = { build: image.getUint8(0x12), tcb: others | (svn << SNP_SVN) };
  }

  #commit(): void {
    const { build, tcb } = this.#running;
    this.kept = { ...this.kept, build, committed: tcb };
    this.#report(tcb, this.kept.masks);
  }

  /** Another TCB is reported, and a VLEK that was made for the one before is gone. */
  #report(reported: bigint, masks: number): void {
    const vlek = this.kept.vlek === reported ? reported : undefined;
    this.kept = { ...this.kept, reported, masks, vlek };
  }
}

/** Commands that give the legacy platform other keys. Any may be the first that needs some. */
export const rekeys: ReadonlySet<number> = new Set([0x003, 0x005, 0x007, 0x009]);
