// Seeded mutations of reports, certificates, lists and tables: each gets a verdict, none an exception.
// None is accepted, unless all that was read from it is byte for byte what it was.
// By itself: `node --import tsx test/attest/fuzz.ts [mutations] [seed]`.
import { pathToFileURL } from "node:url";
import {
  extended,
  goodParts,
  type Identity,
  makeIdentity,
} from "../../dist/attest/evidence/index.js";
import {
  attestExtended,
  composeTable,
  type Evidence,
  evidenceOfExtended,
  parseLegacy,
  Refusal,
  verify,
  verifyChain,
  verifyReport,
} from "../../dist/attest/index.js";

type Random = (below: number) => number;

/** xorshift32: seeded chance, the same on every machine. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const splice = (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array) =>
  Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)]);

const values = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30, 0x02, 0x03, 0xa0];

/** One to three changes of one kind each; never the bytes it was given. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = Uint8Array.from(bytes);
  for (let rounds = 1 + random(3); rounds > 0; rounds--) {
    const at = random(Math.max(1, changed.length));
    const span = 1 + random(40);
    const kind = random(8);
    if (kind <= 2) changed[at] = (changed[at] as number) ^ (1 << random(8));
    else if (kind === 3) changed[at] = values[random(values.length)] as number;
    else if (kind === 4) changed = changed.slice(0, at);
    else if (kind === 5) changed = splice(changed, at, span, new Uint8Array(0));
    else if (kind === 6) changed = splice(changed, at, 0, changed.slice(at, at + span));
    else changed.fill(random(256), at, at + span);
    if (changed.length === 0) break;
  }
  const same = changed.length === bytes.length && changed.every((byte, i) => byte === bytes[i]);
  return same ? mutate(bytes, random) : changed;
}

interface Target {
  readonly name: string;
  readonly attack: (random: Random) => Promise<{ accepted: boolean; harmless?: boolean }>;
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** A table may lose an ARK that the roots have: then all that is left must be what it was. */
function isSubset(mutated: Uint8Array, original: Evidence): boolean {
  const seen = evidenceOfExtended(mutated) as unknown as Record<string, Uint8Array | undefined>;
  const had = original as unknown as Record<string, Uint8Array>;
  return Object.entries(seen).every(
    ([part, bytes]) => bytes && equal(bytes, had[part] as Uint8Array),
  );
}

/** ask_ark.cert of this ARK: AMD's own form, whose parser must refuse as well. */
function legacyOf(identity: Identity): Uint8Array {
  const bytes = new Uint8Array(0x640);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x00, 1, true);
  view.setUint32(0x38, 4096, true);
  view.setUint32(0x3c, 4096, true);
  bytes.set(identity.chipId.subarray(0, 16), 0x04);
  bytes.set(identity.chipId.subarray(0, 16), 0x14);
  return bytes;
}

async function targetsOf(identity: Identity, at: number): Promise<Target[]> {
  const parts = goodParts(identity, { version: 3 });
  const evidence = {
    report: parts.report,
    vek: parts.vek,
    ask: parts.ask,
    ark: parts.ark,
    crl: parts.crl,
  };
  const root = identity.authorities.ARK.certificate;
  const options = { roots: [root], now: at, requireCrl: true };
  const chain = await verifyChain(evidence, options);
  const whole = extended(parts);
  const legacy = legacyOf(identity);
  const table = composeTable(new Map([["VCEK", parts.vek]]));
  const part = (name: keyof Evidence): Target => ({
    name,
    attack: (random) =>
      verify({ ...evidence, [name]: mutate(evidence[name] as Uint8Array, random) }, options),
  });
  return [
    { name: "report", attack: (random) => verifyReport(mutate(parts.report, random), chain) },
    { name: "report ", attack: (random) => verifyReport(mutate(parts.report, random), chain) },
    part("vek"),
    part("ask"),
    part("ark"),
    part("crl"),
    {
      name: "root",
      attack: (random) => verify(evidence, { ...options, roots: [mutate(root, random)] }),
    },
    {
      name: "table",
      attack: async (random) => {
        const mutated = new Uint8Array([...parts.report, ...mutate(table, random)]);
        const result = await attestExtended(mutated, options);
        return { ...result, harmless: result.accepted && isSubset(mutated, evidence) };
      },
    },
    {
      name: "file",
      attack: async (random) => {
        const mutated = mutate(whole, random);
        const result = await attestExtended(mutated, options);
        return { ...result, harmless: result.accepted && isSubset(mutated, evidence) };
      },
    },
    {
      name: "ask_ark.cert",
      attack: async (random) => {
        try {
          parseLegacy(mutate(legacy, random));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
        return { accepted: false };
      },
    },
  ];
}

/** Runs that many mutations; throws with the seed and the number of the one that went wrong. */
export async function fuzz(mutations: number, seed: number): Promise<Record<string, number>> {
  const at = Date.UTC(2026, 5, 1);
  const products = ["Milan", "Genoa", "Turin"] as const;
  const identities = await Promise.all(
    products.map((product) => makeIdentity({ seed: `fuzz ${product}`, product, at })),
  );
  const targets = (await Promise.all(identities.map((one) => targetsOf(one, at)))).flat();
  const seen: Record<string, number> = {};
  const one = async (i: number) => {
    const target = targets[i % targets.length] as Target;
    // Mixed, so that neighbours do not share their first numbers.
    const random = randomFrom(Math.imul(seed + i, 0x9e3779b1) ^ 0x5bd1e995);
    const where = `seed ${seed}, mutation ${i}, ${target.name}`;
    const result = await target.attack(random).catch((error: unknown) => {
      throw new Error(`${where}: ${error instanceof Error ? error.stack : error}`);
    });
    if (result.accepted && !result.harmless) throw new Error(`${where}: accepted`);
    const code = (result as { code?: string }).code ?? (result.accepted ? "harmless" : "parsed");
    seen[code] = (seen[code] ?? 0) + 1;
  };
  const BATCH = 32;
  for (let i = 0; i < mutations; i += BATCH) {
    const batch = Math.min(BATCH, mutations - i);
    await Promise.all(Array.from({ length: batch }, (_, j) => one(i + j)));
  }
  return seen;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const mutations = Number(process.argv[2] ?? 200_000);
  const seed = Number(process.argv[3] ?? 1);
  console.log(`fuzz: ${mutations} mutations, seed ${seed}`);
  const seen = await fuzz(mutations, seed);
  for (const [code, count] of Object.entries(seen).sort())
    console.log(`${code.padEnd(28)}${count}`);
}
