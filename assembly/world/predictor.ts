// A small indirect branch predictor, shared by host and guests as the real one is: what one trains, another may follow. With BTB
// isolation in a VMSA's SEV_FEATURES, VMRUN forgets what others trained. APM vol. 2, 15.36.17; spec digest vmcb-vmsa.md 2.1.
import * as Feature from "../../ts/abi/sev-features";
import * as Memory from "../../ts/abi/memory";
import * as Predictor from "../../ts/abi/predictor";
import * as Vcpu from "../../ts/abi/vcpu";
import * as World from "../../ts/abi/world";
import { bit } from "../address";

const ENTRIES: u32 = Predictor.ENTRIES;

function entryOf(index: u32): usize {
  return Memory.PREDICTOR + usize(index) * Predictor.SIZE;
}

/** An indirect branch. Answers where the core went on speculatively (0: nowhere), then remembers where it really went. */
export function branch(from: u64, to: u64): u64 {
  const entry = entryOf(u32(from >> 4) & (ENTRIES - 1));
  const predicted = load<u64>(entry, Predictor.FROM) == from ? load<u64>(entry, Predictor.TO) : 0;
  const running = load<u32>(Memory.WORLD, World.RUNNING) != 0;
  store<u64>(entry, from, Predictor.FROM);
  store<u64>(entry, to, Predictor.TO);
  store<u32>(entry, running ? load<u32>(Memory.VCPU, Vcpu.ASID) : Predictor.HOST, Predictor.DOMAIN);
  return predicted;
}

/** What a guest of these features must not follow is forgotten before it runs. */
export function isolate(features: u64, asid: u32): void {
  const everything = bit(features, Feature.IBPB_ON_ENTRY_BIT);
  if (!everything && !bit(features, Feature.BTB_ISOLATION_BIT)) return;
  for (let index: u32 = 0; index < ENTRIES; index++) {
    const entry = entryOf(index);
    if (everything || load<u32>(entry, Predictor.DOMAIN) != asid) {
      memory.fill(entry, 0, Predictor.SIZE);
    }
  }
}
