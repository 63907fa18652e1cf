// How attacks are judged: by what the attacker holds, and by what the guest took for its own.
import type { Got, Outcome } from "./attack.ts";
import type { Scene } from "./scene.ts";

/** Whether `bytes` hold `secret` anywhere. */
export function holds(bytes: Uint8Array, secret: Uint8Array): boolean {
  for (
    let at = bytes.indexOf(secret[0] as number);
    at >= 0;
    at = bytes.indexOf(secret[0] as number, at + 1)
  ) {
    if (at + secret.length > bytes.length) return false;
    if (same(bytes.subarray(at, at + secret.length), secret)) return true;
  }
  return false;
}

export function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** An attempt to read: the attacker holds the secret, or what its key made of it. */
export function verdictOnReading(plain: boolean, via: string): Outcome {
  return { protected: !plain, got: plain ? "plaintext" : "ciphertext", via };
}

/** An attempt on the secret's integrity, after the guest ran on. `lost` names what the guest read, if it was not its own. */
export function verdictOnMemory(scene: Scene, lost: (read: Uint8Array) => Got): Outcome {
  const { witness, ended, refusal } = scene;
  const stopped = ended ?? witness.fault;
  if (stopped !== undefined) return { protected: true, got: "fault", via: stopped };
  const read = witness.secret as Uint8Array;
  if (same(read, witness.secrets[1]))
    return { protected: true, got: "nothing", via: refusal ?? "the guest read what it last wrote" };
  return { protected: false, got: lost(read), via: "the guest read it and went on" };
}
