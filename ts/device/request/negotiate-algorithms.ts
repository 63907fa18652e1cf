// NEGOTIATE_ALGORITHMS: one of each kind out of what both have. DSP0274 10.5.

import * as Spdm from "../../abi/spdm.ts";
import * as Algorithms from "../../abi/spdm-algorithms.ts";
import * as Negotiate from "../../abi/spdm-negotiate.ts";
import { type Answer, INVALID, message } from "../../spdm/answer.ts";
import { aeads, asyms, dhes, hashes } from "../../spdm/crypto.ts";
import { has, measurementCapability } from "../../spdm/flags.ts";
import { bit, join, putU16, putU32, u16, u32 } from "../../spdm/octets.ts";
import { suiteOf } from "../../spdm/suite.ts";
import type { SpdmResponder } from "../spdm.ts";

interface Table {
  type: number;
  supported: number;
}

/** The structure tables of a request; undefined when they break a rule. */
function tablesOf(request: Uint8Array): Table[] | undefined {
  let ext = request[Negotiate.EXT_ASYM_COUNT]! + request[Negotiate.EXT_HASH_COUNT]!;
  let at = Negotiate.SIZE + ext * Negotiate.EXT_BYTES;
  const found: Table[] = [];
  for (let n = request[Spdm.PARAM1]!; n > 0; n--) {
    if (at + Spdm.TABLE_BYTES > request.length) return undefined;
    const type = request[at]!;
    const count = request[at + 1]!;
    const supported = u16(request, at + 2);
    if (type < Spdm.TABLE_DHE || type > Spdm.TABLE_KEY_SCHEDULE) return undefined;
    if (type <= (found.at(-1)?.type ?? 0)) return undefined;
    if (count >> 4 !== Spdm.TABLE_FIXED_COUNT >> 4 || supported === 0) return undefined;
    ext += count & 15;
    found.push({ type, supported });
    at += Spdm.TABLE_BYTES + (count & 15) * Negotiate.EXT_BYTES;
  }
  return at === request.length && ext <= Negotiate.MAX_EXT_COUNT ? found : undefined;
}

/** The best of ours that is in `offered`, as a word with one bit. */
const pick = (rows: [number, ...unknown[]][], offered: number): number => {
  const row = rows.find(([position]) => bit(offered, position));
  return row ? 2 ** row[0] : 0;
};

export function negotiateAlgorithms(responder: SpdmResponder, request: Uint8Array): Answer {
  const { version } = responder.connection;
  if (request.length < Negotiate.SIZE) return INVALID;
  const length = u16(request, Negotiate.LENGTH);
  if (length !== request.length || length > Negotiate.MAX_LENGTH) return INVALID;
  const offered = tablesOf(request);
  if (!offered) return INVALID;
  const chosen = choose(responder, request, offered);
  if (!chosen) return INVALID;
  const body = new Uint8Array(Algorithms.SIZE);
  body.set(message(version, Spdm.ALGORITHMS, offered.length, 0));
  putU16(body, Algorithms.LENGTH, Algorithms.SIZE + offered.length * Spdm.TABLE_BYTES);
  body[Algorithms.MEASUREMENT_SPECIFICATION_SEL] = chosen.measurementSpec;
  const others = request[Negotiate.OTHER_PARAMS_SUPPORT]! & (1 << Spdm.OPAQUE_FMT1_BIT);
  body[Algorithms.OTHER_PARAMS_SEL] = version >= Spdm.VERSION_1_2 ? others : 0;
  putU32(body, Algorithms.MEASUREMENT_HASH_ALGO, chosen.measurementHash);
  putU32(body, Algorithms.BASE_ASYM_SEL, chosen.asym);
  putU32(body, Algorithms.BASE_HASH_SEL, chosen.hash);
  const response = join(body, ...chosen.tables);
  const suite = suiteOf(response, responder.curves);
  if (!suite) return INVALID;
  return {
    response,
    commit() {
      responder.connection.appendA(request, response);
      responder.connection.negotiate(suite);
    },
  };
}

interface Choice {
  asym: number;
  hash: number;
  measurementSpec: number;
  measurementHash: number;
  tables: Uint8Array[];
}

/** What we select; undefined when something a capability needs has nothing in common. */
function choose(
  responder: SpdmResponder,
  request: Uint8Array,
  offered: Table[],
): Choice | undefined {
  const { flags, connection } = responder;
  const signs = has(flags, Spdm.CHAL_CAP_BIT) || has(flags, Spdm.KEY_EX_CAP_BIT);
  const ours = asyms.filter(([, curve]) => responder.slots.some((slot) => slot[curve]));
  const asym = signs ? pick(ours, u32(request, Negotiate.BASE_ASYM_ALGO)) : 0;
  const hash = pick(hashes, u32(request, Negotiate.BASE_HASH_ALGO));
  if ((signs && !asym) || !hash) return undefined;
  const dmtf = 1 << Spdm.MEASUREMENT_SPEC_DMTF_BIT;
  const measures = measurementCapability(flags) > 0;
  const measurementSpec = measures ? request[Negotiate.MEASUREMENT_SPECIFICATION]! & dmtf : 0;
  const measurementHash = hashes.find(([position]) => hash === 2 ** position)![1];
  const selected = offered.map(({ type, supported }) => selectIn(type, supported));
  const needsKeys = has(flags & connection.peer.flags, Spdm.KEY_EX_CAP_BIT);
  const keyTables = [Spdm.TABLE_DHE, Spdm.TABLE_AEAD, Spdm.TABLE_KEY_SCHEDULE];
  const agreed = (type: number) =>
    offered.some((table, i) => table.type === type && selected[i] !== 0);
  if (needsKeys && !keyTables.every(agreed)) return undefined;
  return {
    asym,
    hash,
    measurementSpec,
    measurementHash: measurementSpec ? 2 ** measurementHash : 0,
    tables: offered.map(({ type }, i) =>
      Uint8Array.of(type, Spdm.TABLE_FIXED_COUNT, selected[i]! & 0xff, selected[i]! >> 8),
    ),
  };
}

function selectIn(type: number, supported: number): number {
  if (type === Spdm.TABLE_DHE) return pick(dhes, supported);
  if (type === Spdm.TABLE_AEAD) return pick(aeads, supported);
  if (type === Spdm.TABLE_KEY_SCHEDULE) return supported & (1 << Spdm.KEY_SCHEDULE_SPDM_BIT);
  // No mutual authentication: the requester signs nothing.
  return 0;
}
