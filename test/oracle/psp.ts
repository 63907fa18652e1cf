// A slow twin of the secure processor's states: which command is legal when, and what it does to states. Written from the lists in
// AMD's sev-tool (sevapi.h) and the ABI's chapters, not from ts/psp/. Numbers are the specifications' own.

type States = readonly number[];
const [UNINIT, INIT, WORKING] = [0, 1, 2];
const any: States = [UNINIT, INIT, WORKING];
const [G_INIT, G_LAUNCH, G_RUNNING] = [0, 1, 2];
const [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE, SENT] = [1, 2, 3, 4, 5, 6];

/** Legal platform states: SNP's and the legacy one. Guest states, and the state after success: -1 forgets the guest. */
export interface Legal {
  snp: States;
  sev: States;
  guest?: States;
  to?: number;
}

const ever: Legal = { snp: any, sev: any };
const fresh: Legal = { snp: [UNINIT], sev: [UNINIT] };
const snp: Legal = { snp: [INIT], sev: any };
const sevUninit: Legal = { snp: any, sev: [UNINIT] };
const sevInit: Legal = { snp: any, sev: [INIT] };
const sevUp: Legal = { snp: any, sev: [INIT, WORKING] };
const guest = (states: States, to?: number): Legal => ({
  ...snp,
  guest: states,
  ...(to === undefined ? {} : { to }),
});
const legacy = (states: States, to?: number): Legal => ({
  snp: any,
  sev: [WORKING],
  guest: states,
  ...(to === undefined ? {} : { to }),
});

const launched = [G_LAUNCH, G_RUNNING];
const living = [LUPDATE, LSECRET, RUNNING, SUPDATE, RUPDATE];
const every = [...living, SENT];

// biome-ignore format: a chapter of the specification a line
export const legal: ReadonlyMap<number, Legal> = new Map<number, Legal>([
  [0x001, sevUninit], [0x00d, sevUninit], [0x002, ever], [0x003, sevUninit], [0x004, ever], [0x005, sevInit],
  [0x006, sevUp], [0x007, sevInit], [0x008, sevUp], [0x009, sevUp], [0x00a, sevUp], [0x00b, fresh], [0x00c, ever],
  [0x00e, ever], [0x00f, ever], [0x070, ever], [0x071, ever], [0x020, legacy(every, -1)], [0x021, legacy(living)],
  [0x022, legacy(every)], [0x023, legacy(every)], [0x024, legacy([LUPDATE, RUNNING, RUPDATE])], [0x025, legacy(living)],
  [0x030, sevUp], [0x031, legacy([LUPDATE])], [0x032, legacy([LUPDATE])], [0x033, legacy([LUPDATE], LSECRET)],
  [0x034, legacy([LSECRET])], [0x035, legacy([LSECRET], RUNNING)], [0x036, legacy([LSECRET, RUNNING])],
  [0x040, legacy([RUNNING], SUPDATE)], [0x041, legacy([SUPDATE])], [0x042, legacy([SUPDATE])],
  [0x043, legacy([SUPDATE], SENT)], [0x044, legacy([SUPDATE], RUNNING)], [0x050, sevUp], [0x051, legacy([RUPDATE])],
  [0x052, legacy([RUPDATE])], [0x053, legacy([RUPDATE], RUNNING)], [0x060, legacy(living)], [0x061, legacy(living)],
  [0x081, fresh], [0x085, fresh], [0x082, snp], [0x086, snp], [0x083, ever], [0x084, snp],
  [0x090, guest([G_INIT, G_LAUNCH, G_RUNNING], -1)], [0x091, guest(launched)],
  [0x092, guest([G_INIT, G_LAUNCH, G_RUNNING])], [0x093, snp], [0x094, guest([G_RUNNING])], [0x095, guest(launched)],
  [0x096, guest(launched)], [0x0a0, guest([G_INIT], G_LAUNCH)], [0x0a1, guest([G_LAUNCH])],
  [0x0a2, guest([G_LAUNCH], G_RUNNING)], [0x0b0, guest(launched)], [0x0b1, guest(launched)], [0x0b2, ever],
  [0x0c0, guest(launched)], [0x0c1, guest(launched)], [0x0c2, guest(launched)], [0x0c3, guest(launched)], [0x0c6, snp],
  [0x0c7, snp], [0x0c8, snp], [0x0c9, ever], [0x0ca, ever], [0x0cb, ever], [0x0cd, ever], [0x0ce, ever],
  [0x0d0, snp], [0x0d1, snp], [0x0d2, snp], [0x0d3, snp], [0x0d4, snp], [0x0d5, snp], [0x0d6, snp], [0x0d7, snp],
  [0x0d8, snp], [0x0da, snp], [0x0db, snp], [0x0dc, snp], [0x0dd, snp], [0x0de, snp], [0x0df, snp], [0x0e0, snp],
  [0x0e1, snp], [0x0e2, snp], [0x0e3, snp], [0x0e4, snp],
]);

/** What the twin knows: platform states, and guests by context page or handle. */
export class Twin {
  snp = UNINIT as number;
  isSevInit = false;
  readonly contexts = new Map<bigint, number>();
  readonly handles = new Map<number, number>();

  get sev(): number {
    return !this.isSevInit ? UNINIT : this.handles.size > 0 ? WORKING : INIT;
  }

  /** Notes that a command succeeded upon a guest (a context page, a handle, or none). `named` is a new guest's handle. */
  done(id: number, of: bigint | number | undefined, named?: number): void {
    if (id === 0x081 || id === 0x085) this.snp = INIT;
    if (id === 0x082 || id === 0x086) {
      this.snp = UNINIT;
      this.contexts.clear();
    }
    if (id === 0x001 || id === 0x00d) this.isSevInit = true;
    if (id === 0x002) {
      this.isSevInit = false;
      this.handles.clear();
    }
    if (id === 0x093) this.contexts.set(of as bigint, G_INIT);
    if (id === 0x030) this.handles.set(named as number, LUPDATE);
    if (id === 0x050) this.handles.set(named as number, RUPDATE);
    const to = legal.get(id)?.to;
    if (to === undefined) return;
    const guests = (typeof of === "bigint" ? this.contexts : this.handles) as Map<unknown, number>;
    if (to === -1) guests.delete(of);
    else guests.set(of, to);
  }
}
