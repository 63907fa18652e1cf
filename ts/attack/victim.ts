// The guest that every attack is tried on: the same program in every generation. It keeps two secrets in private memory and one in
// a register, and halts after each stage, which is when a hypervisor has its say.
import * as Code from "../abi/exit.ts";
import type { Cpu, Step } from "../guest/cpu.ts";
import type { Prng } from "../prng.ts";
import type { Image } from "../world.ts";

/** Where its two private pages are. Before paging a gva is the gpa. */
export const SECRET = 0x10000n;
export const OTHER = 0x20000n;
/** The guest's code that loads what RSI points at, and halts. Any kernel has such code somewhere. */
export const GADGET = 0x7000n;
/** The vector of a system call that nobody makes here. */
export const SYSTEM_CALL = 0x80;

const ENTRY = 0xffff_fff0n;
const LENGTH = 64;
const ONE_STAGE = 3;

/** What the victim knows, and what it saw. The judge of an attack; no attacker may read it before the end. */
export interface Witness {
  /** The secret's two versions, and those of its neighbour. */
  readonly secrets: readonly [Uint8Array, Uint8Array];
  readonly others: readonly [Uint8Array, Uint8Array];
  /** What it keeps in RBX over the first halt. */
  readonly register: bigint;
  /** Stages it came through: 1, both first versions written; 2, the second secret written; 3, all read. */
  stage: number;
  /** RBX after the first halt. */
  rbx?: bigint;
  /** What it read in the last stage. */
  secret?: Uint8Array;
  other?: Uint8Array;
  /** An exception that only a hypervisor can have caused: the guest stopped itself. */
  fault?: string;
  /** Routines that ran although nothing in the guest asked for them, by vector. */
  ran: number[];
}

/** A victim with secrets of its own. */
export function createVictim(chance: Prng): { image: Image; witness: Witness } {
  const witness: Witness = {
    secrets: [chance.bytes(LENGTH), chance.bytes(LENGTH)],
    others: [chance.bytes(LENGTH), chance.bytes(LENGTH)],
    register: new DataView(chance.bytes(8).buffer).getBigUint64(0, true),
    stage: 0,
    ran: [],
  };
  const code = new Map([
    [ENTRY, (cpu: Cpu) => victim(cpu, witness)],
    [GADGET, gadget],
  ]);
  return { image: { code, entry: ENTRY }, witness };
}

function* victim(cpu: Cpu, witness: Witness): Step {
  const { registers } = cpu;
  listen(cpu, witness);
  yield* accept(cpu, SECRET);
  yield* accept(cpu, OTHER);
  yield* cpu.write(SECRET, witness.secrets[0]);
  yield* cpu.write(OTHER, witness.others[0]);
  registers.rbx = witness.register;
  witness.stage = 1;
  yield* cpu.hlt();
  witness.rbx = registers.rbx;
  yield* cpu.write(SECRET, witness.secrets[1]);
  witness.stage = 2;
  yield* cpu.hlt();
  yield* cpu.write(OTHER, witness.others[1]);
  const [secret, other] = [new Uint8Array(LENGTH), new Uint8Array(LENGTH)];
  yield* cpu.read(SECRET, secret);
  yield* cpu.read(OTHER, other);
  witness.secret = secret;
  witness.other = other;
  witness.stage = ONE_STAGE;
}

/** Routines for what should never come. A #VC for a page that was accepted once is an attack: validating again would lose. */
function listen(cpu: Cpu, witness: Witness): void {
  cpu.on(Code.VC, function* (inner, error, cr2) {
    if (error !== BigInt(Code.PAGE_NOT_VALIDATED)) {
      witness.ran.push(Code.VC);
      return;
    }
    witness.fault = `#VC 0x${error.toString(16)} (PAGE_NOT_VALIDATED) at gva 0x${cr2.toString(16)}`;
    for (;;) yield* inner.hlt();
  });
  // biome-ignore lint/correctness/useYield: a routine that leaves nothing
  cpu.on(SYSTEM_CALL, function* () {
    witness.ran.push(SYSTEM_CALL);
  });
  // The doorbell rings, and its page is empty: nothing is to be done.
  cpu.on(Code.HV, function* () {});
}

/** PVALIDATE, once and for all; nothing before SEV-SNP. */
function* accept(cpu: Cpu, gva: bigint): Step {
  if (cpu.features.snp) yield* cpu.pvalidate(gva, false, true);
}

function* gadget(cpu: Cpu): Step {
  const word = new Uint8Array(8);
  yield* cpu.read(cpu.registers.rsi, word);
  cpu.registers.rbx = new DataView(word.buffer).getBigUint64(0, true);
  yield* cpu.hlt();
}
