// What the firmware keeps of an SNP guest between commands: the plaintext of its context page. SNP firmware ABI (AMD 56860), 4.

/** GSTATE of an SNP guest. */
export const GuestState = { INIT: 0, LAUNCH: 1, RUNNING: 2 } as const;

/** What LAUNCH_FINISH took from an ID block that it checked. */
export interface IdBlock {
  familyId: Uint8Array;
  imageId: Uint8Array;
  guestSvn: number;
  /** The 96 bytes as they were signed, for export. */
  block: Uint8Array;
  idKeyDigest: Uint8Array;
  authorKeyEn: boolean;
  /** Zeros without an author key. */
  authorKeyDigest: Uint8Array;
}

export interface GuestContext {
  /** One of GuestState. */
  state: number;
  /** 0 while it is not active. */
  asid: number;
  policy: bigint;
  /** 32 bytes each; REPORT_ID_MA is all ones without a migration agent. */
  reportId: Uint8Array;
  reportIdMa: Uint8Array;
  /** The launch digest, 48 bytes; final once RUNNING. IMD is that of IMI pages alone. */
  measurement: Uint8Array;
  imd: Uint8Array;
  /** 32 bytes. */
  hostData: Uint8Array;
  idBlock?: IdBlock | undefined;
  /** VCEK_DIS of LAUNCH_FINISH: reports are never signed by the VCEK. */
  vcekDisable: boolean;
  launchTcb: bigint;
  launchMitVector: bigint;
  /** 16 bytes, for the secrets page. */
  gosvw: Uint8Array;
  imiEn: boolean;
  desiredTscKhz: number;
  /** The memory key and, for XTS, its tweak key: 16 bytes each. */
  vek: Uint8Array;
  tweakKey: Uint8Array;
  /** The offline key of pages swapped out, 32 bytes, and the last IV used under it. */
  oek: Uint8Array;
  oekIv: bigint;
  /** Four keys of 32 bytes and how many messages each has carried. */
  vmpck: Uint8Array[];
  messageCount: bigint[];
  /** 32 bytes, given by the migration agent. */
  vmrk?: Uint8Array | undefined;
  /** The context page of the migration agent that it is bound to. */
  maContext?: bigint | undefined;
  /** The entry of the metadata page swapped out last under ROOT_MDATA_EN, 64 bytes. */
  rootMetadata: Uint8Array;
}

/** A context with nothing in it. */
export function newContext(state: number): GuestContext {
  return {
    state,
    asid: 0,
    policy: 0n,
    reportId: new Uint8Array(32),
    reportIdMa: new Uint8Array(32).fill(0xff),
    measurement: new Uint8Array(48),
    imd: new Uint8Array(48),
    hostData: new Uint8Array(32),
    vcekDisable: false,
    launchTcb: 0n,
    launchMitVector: 0n,
    gosvw: new Uint8Array(16),
    imiEn: false,
    desiredTscKhz: 0,
    vek: new Uint8Array(16),
    tweakKey: new Uint8Array(16),
    oek: new Uint8Array(32),
    oekIv: 0n,
    vmpck: [0, 1, 2, 3].map(() => new Uint8Array(32)),
    messageCount: [0n, 0n, 0n, 0n],
    rootMetadata: new Uint8Array(64),
  };
}
