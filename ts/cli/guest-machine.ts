// A machine with one launched guest that does what the guest device is asked for. docs/guest-device.md.
import * as Secrets from "../abi/secrets-page.ts";
import type { Dialect } from "../attest/policy.ts";
import { type Product, productOfName } from "../attest/product.ts";
import type { ChipName } from "../chip/chip.ts";
import { BadInput, CheckFailed, Misuse } from "../error.ts";
import {
  attestationGuest,
  layout,
  type SecretsPlace,
  type Vmpck,
} from "../guest/attestation-guest.ts";
import type { Step } from "../guest/cpu.ts";
import { type GuestMessages, MessageFailed, type Question } from "../guest/messages.ts";
import { TsmReports } from "../guest/tsm-report.ts";
import type { Outcome } from "../hypervisor/exits.ts";
import type { Vm } from "../hypervisor/vm.ts";
import { createPlatform } from "../platform.ts";
import { SECRETS_GPA } from "../sealed-secrets.ts";
import type { Image } from "../world.ts";
import type { GuestDevices } from "./guest-frame.ts";
import type { Opened, Said } from "./state.ts";

/** What a guest is launched with here when no state directory says it. */
export interface GuestMachineOptions {
  readonly chip: ChipName;
  readonly seed: bigint;
  readonly policy: bigint;
  readonly vmpck: Vmpck;
  readonly dialect: Dialect;
  /** Whether the host hands out a certificate table. */
  readonly certificates: boolean;
}

/** Where OVMF has its secrets page. */
const SECRETS = 0x80d000n;

async function tableFor(chip: ChipName, seed: bigint, dialect: Dialect, wanted: boolean) {
  const product = productOfName(chip);
  if (product === undefined) throw new Misuse(`--chip: ${chip} has no SEV-SNP`);
  return wanted && dialect === "abi" ? tableOf(String(seed), product) : undefined;
}

/** The table of the chip with this seed, as a host has it from the key service. */
async function tableOf(seed: string, product: Product): Promise<Uint8Array> {
  const { makeIdentity } = await import("../attest/evidence/identity.ts");
  const { composeTable } = await import("../attest/table.ts");
  const identity = await makeIdentity({ seed, product, at: Date.now() });
  const { ASK, ARK } = identity.authorities;
  return composeTable(
    new Map([
      ["VCEK", identity.vcek.certificate],
      ["ASK", ASK.certificate],
      ["ARK", ARK.certificate],
    ]),
  );
}

export class GuestMachine {
  readonly #vm: Vm;
  readonly #vmpck: Vmpck;
  #reports: TsmReports | undefined;
  /** The state directory that the guest is from. */
  #opened: Opened | undefined;
  /** What it has said since that was last kept. */
  #said: Said[] = [];
  #task: ((channel: (vmpck: Vmpck) => GuestMessages) => Step) | undefined;

  /** `vmOf` makes the VM that runs the image; `table` is what its host hands out. */
  private constructor(
    vmpck: Vmpck,
    place: SecretsPlace,
    table: Uint8Array | undefined,
    vmOf: (image: Image) => Vm,
  ) {
    this.#vmpck = vmpck;
    const note = (by: Vmpck, question: Question) => this.#said.push({ vmpck: by, ...question });
    this.#vm = vmOf(attestationGuest(place, () => this.#next(), note));
    if (table) this.#vm.ghcb.certificates = table;
  }

  /** Launches a guest with nothing in it. Throws Misuse for a part without SNP, CheckFailed when the firmware refuses the policy. */
  static async launch(options: GuestMachineOptions): Promise<GuestMachine> {
    const { chip, seed, policy, dialect, vmpck } = options;
    const table = await tableFor(chip, seed, dialect, options.certificates);
    const sealed = dialect === "field-guide";
    const gpa = sealed ? SECRETS_GPA : SECRETS;
    return new GuestMachine(vmpck, { gpa, sealed }, table, (image) =>
      createPlatform({ chip, seed, dialect, resident: 128 << 20 }).createVm({
        memory: layout.memory,
        pageSize: "4k",
        image,
        launch: { policy },
        plan: [{ type: "secrets", gpa, bytes: Secrets.SIZE }],
      }),
    );
  }

  /** The guest of a state directory, launched again as it was, with code of our own; it says again all that it has said, so that
   *  its counts and the firmware's go on. Throws BadInput for one without secrets. */
  static async open(dir: string, vmpck: Vmpck = 0, certificates = true): Promise<GuestMachine> {
    const { openState, readState } = await import("./state.ts");
    const { isSnp, planOf } = await import("./launch-spec.ts");
    const { launch } = readState(dir);
    const { chip, seed, dialect, generation } = launch;
    if (!isSnp(generation)) throw new BadInput(`${dir}: a ${generation} guest has no messages`);
    const region = planOf(launch).find(({ type }) => type === "secrets");
    if (region === undefined) throw new BadInput(`${dir}: the image has no secrets page`);
    const table = await tableFor(chip, seed, dialect, certificates);
    const place = { gpa: region.gpa, sealed: dialect === "field-guide" };
    let opened: Opened | undefined;
    const machine = new GuestMachine(vmpck, place, table, (image) => {
      opened = openState(dir, image);
      return opened.vm;
    });
    for (const said of opened?.said ?? []) machine.#sayAgain(said);
    machine.#said = [];
    opened?.settle();
    machine.#opened = opened;
    return machine;
  }

  /** A message of an earlier run. What failed then fails now, and wipes its key again. */
  #sayAgain({ vmpck, ...question }: Said): void {
    this.#run(function* (channel): Step {
      try {
        yield* channel(vmpck).ask(question);
      } catch (error) {
        if (!(error instanceof MessageFailed)) throw error;
      }
    });
  }

  #keep(): void {
    this.#opened?.keep(this.#said);
    this.#said = [];
  }

  /** Has the guest do something, from VMRUN until it sleeps again. What it said, and what passed the mailbox, is added to the
   *  state directory, whatever came of it. */
  run<T>(task: (devices: GuestDevices) => Step<T>): T {
    const steps = function* (
      this: GuestMachine,
      channel: (vmpck: Vmpck) => GuestMessages,
    ): Step<T> {
      const messages = channel(this.#vmpck);
      this.#reports ??= new TsmReports(messages, this.#vmpck);
      return yield* task({ messages, reports: this.#reports });
    };
    try {
      return this.#run(steps.bind(this));
    } finally {
      this.#keep();
    }
  }

  #run<T>(task: (channel: (vmpck: Vmpck) => GuestMessages) => Step<T>): T {
    const done: T[] = [];
    this.#task = function* (channel): Step {
      done.push(yield* task(channel));
    };
    // The boot vCPU alone: nobody starts the others.
    const [vcpu] = this.#vm.vcpus;
    if (!vcpu) throw new CheckFailed("the guest has no vCPU");
    let outcome: Outcome = "runs";
    while (outcome === "runs") outcome = this.#vm.serve(vcpu, vcpu.run());
    if (outcome !== "sleeps" || done.length === 0) {
      throw new CheckFailed(`the guest ${outcome} and has not answered`);
    }
    return done[0] as T;
  }

  #next() {
    const task = this.#task;
    this.#task = undefined;
    return task;
  }
}
