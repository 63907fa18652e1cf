// A machine with one launched guest that does what the guest device is asked for. docs/guest-device.md.
import * as Secrets from "../abi/secrets-page.ts";
import type { Dialect } from "../attest/policy.ts";
import { type Product, productOfName } from "../attest/product.ts";
import type { ChipName } from "../chip/chip.ts";
import { CheckFailed, Misuse } from "../error.ts";
import { attestationGuest, layout } from "../guest/attestation-guest.ts";
import type { Step } from "../guest/cpu.ts";
import type { GuestMessages } from "../guest/messages.ts";
import { TsmReports } from "../guest/tsm-report.ts";
import type { Vm } from "../hypervisor/vm.ts";
import { createPlatform } from "../platform.ts";
import { SECRETS_GPA } from "../sealed-secrets.ts";
import type { GuestDevices } from "./guest-frame.ts";

export interface GuestMachineOptions {
  readonly chip: ChipName;
  readonly seed: bigint;
  readonly policy: bigint;
  readonly vmpck: 0 | 1 | 2 | 3;
  readonly dialect: Dialect;
  /** Whether the host hands out a certificate table. */
  readonly certificates: boolean;
}

/** Where OVMF has its secrets page. */
const SECRETS = 0x80d000n;

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
  readonly #vmpck: number;
  #reports: TsmReports | undefined;
  #task: ((messages: GuestMessages) => Step) | undefined;

  private constructor(options: GuestMachineOptions, table: Uint8Array | undefined) {
    const { chip, seed, policy, dialect, vmpck } = options;
    const platform = createPlatform({ chip, seed, dialect, resident: 128 << 20 });
    const sealed = dialect === "field-guide";
    const gpa = sealed ? SECRETS_GPA : SECRETS;
    this.#vmpck = vmpck;
    this.#vm = platform.createVm({
      memory: layout.memory,
      pageSize: "4k",
      image: attestationGuest(vmpck, { gpa, sealed }, () => this.#next()),
      launch: { policy },
      plan: [{ type: "secrets", gpa, bytes: Secrets.SIZE }],
    });
    if (table) this.#vm.ghcb.certificates = table;
  }

  /** Launches the guest. Throws Misuse for a part without SNP, CheckFailed when the firmware refuses the policy. */
  static async launch(options: GuestMachineOptions): Promise<GuestMachine> {
    const product = productOfName(options.chip);
    if (product === undefined) throw new Misuse(`--chip: ${options.chip} has no SEV-SNP`);
    const wanted = options.certificates && options.dialect === "abi";
    const table = wanted ? await tableOf(String(options.seed), product) : undefined;
    return new GuestMachine(options, table);
  }

  /** Has the guest do something, from VMRUN until it sleeps again. */
  run<T>(task: (devices: GuestDevices) => Step<T>): T {
    const done: T[] = [];
    this.#task = function* (this: GuestMachine, messages: GuestMessages): Step {
      this.#reports ??= new TsmReports(messages, this.#vmpck);
      done.push(yield* task({ messages, reports: this.#reports }));
    }.bind(this);
    for (const vcpu of this.#vm.vcpus) vcpu.halted = false;
    const outcome = this.#vm.run();
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
