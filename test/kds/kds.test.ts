// The key service: AMD's paths in, certificates that verify out; and each fault as it would look on the wire.
import { chipIdOf, makeIdentity, makeReport } from "../../dist/attest/evidence/index.js";
import { evidenceOfFiles, parseCrl, parseReport, verify } from "../../dist/attest/index.js";
import {
  certChainUrl,
  crlUrl,
  get,
  type KdsFault,
  kdsFaults,
  makeKds,
  vcekUrl,
} from "../../dist/kds/index.js";
import { serve } from "../../dist/kds/serve.js";
import { assert, rejects, suite } from "../kit.ts";

const test = suite("the key service");
const at = Date.UTC(2026, 5, 1);
const seed = "kds";
const kds = makeKds({ seed, clock: () => at });
const BASE = "http://kds.invalid";
const hwid = Buffer.from(chipIdOf(seed, "Milan")).toString("hex");

const ask = async (url: string, fault?: KdsFault): Promise<Response> =>
  kds(new Request(url, fault === undefined ? {} : { headers: { "x-cloister-fault": fault } }));
const body = async (url: string) => new Uint8Array(await (await ask(url)).arrayBuffer());

for (const product of ["Milan", "Genoa", "Turin"] as const) {
  test(`gives what a relying party needs to verify a ${product} report`, async () => {
    const identity = await makeIdentity({ seed, product, at });
    const bytes = makeReport(identity, { version: 3 });
    const { chipId, reportedTcb } = parseReport(bytes);
    const files = await Promise.all([
      body(vcekUrl(BASE, product, chipId, reportedTcb)),
      body(certChainUrl(BASE, "vcek", product)),
    ]);
    const crl = await body(crlUrl(BASE, "vcek", product));
    const root = identity.authorities.ARK.certificate;
    const evidence = { ...evidenceOfFiles(bytes, files), crl };
    const result = await verify(evidence, { roots: [root], now: at, requireCrl: true });
    assert.is(result.says, "accepted");
  });
}

test("takes numbers with and without leading zeros, and gives the same key", async () => {
  const padded = `${BASE}/vcek/v1/Milan/${hwid}?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=219`;
  const plain = `${BASE}/vcek/v1/Milan/${hwid}?blSPL=4&teeSPL=0&snpSPL=24&ucodeSPL=219`;
  const [a, b] = await Promise.all([body(padded), body(plain)]);
  const milan = await makeIdentity({ seed, product: "Milan", at });
  const key = Buffer.from(milan.vcek.point);
  assert.is(Buffer.from(a).includes(key) && Buffer.from(b).includes(key), true);
});

test("calls Bergamo and Siena Genoa", async () => {
  const genoa = await body(`${BASE}/vcek/v1/Genoa/cert_chain`);
  for (const name of ["Bergamo", "Siena", "genoa"]) {
    assert.equal(await body(`${BASE}/vcek/v1/${name}/cert_chain`), genoa);
  }
});

// prettier-ignore
const wrong: [string, number, string][] = [
  ["/vcek/v1/Naples/cert_chain", 404, "no such product"],
  ["/vcek/v2/Milan/cert_chain", 404, "no such path"],
  ["/vlek/v1/Milan/none", 404, "no such path"],
  ["/vcek/v1/Milan/abcd?blSPL=1", 400, "128 hexadecimal digits"],
  [`/vcek/v1/Turin/${hwid}?blSPL=1`, 400, "16 hexadecimal digits"],
  [`/vcek/v1/Milan/${hwid}?blSPL=4&teeSPL=0&snpSPL=24`, 400, "ucodeSPL"],
  [`/vcek/v1/Milan/${hwid}?fmcSPL=1&blSPL=4&teeSPL=0&snpSPL=24&ucodeSPL=1`, 400, "fmcSPL"],
  [`/vcek/v1/Milan/${hwid}?blSPL=4&teeSPL=0&snpSPL=200&ucodeSPL=1`, 400, "0 to 127"],
  [`/vcek/v1/Milan/${hwid}?blSPL=x&teeSPL=0&snpSPL=2&ucodeSPL=1`, 400, "blSPL"],
  [`/vcek/v1/Milan/${"0".repeat(128)}?blSPL=4&teeSPL=0&snpSPL=24&ucodeSPL=1`, 404, "no Milan"],
];

for (const [path, status, says] of wrong) {
  test(`answers ${status} to ${path.replace(hwid, "HWID").slice(0, 60)}`, async () => {
    const response = await ask(BASE + path);
    assert.is(response.status, status);
    assert.match(await response.text(), new RegExp(says));
  });
}

test("refuses to be written to", async () => {
  const response = await kds(new Request(`${BASE}/vcek/v1/Milan/crl`, { method: "POST" }));
  assert.is(response.status, 405);
});

test("shows every fault it knows", async () => {
  const chain = `${BASE}/vcek/v1/Milan/cert_chain`;
  const limited = await ask(chain, "rate-limit");
  assert.is(`${limited.status} ${limited.headers.get("retry-after")}`, "429 10");
  assert.is((await ask(chain, "server-error")).status, 500);
  assert.is((await ask(chain, "not-found")).status, 404);
  const [whole, cut] = [await body(chain), await (await ask(chain, "truncated")).arrayBuffer()];
  assert.is(cut.byteLength, whole.length >> 1);
  assert.is((await ask(chain, "content-type")).headers.get("content-type"), "text/html");
  const list = async (fault: KdsFault) =>
    parseCrl(new Uint8Array(await (await ask(`${BASE}/vcek/v1/Milan/crl`, fault)).arrayBuffer()));
  assert.equal((await list("revoked")).revoked, ["10001"]);
  assert.is((await list("crl-expired")).nextUpdate < at, true);
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const slow = makeKds({ seed, clock: () => at, fault: "slow", sleep });
  assert.is((await slow(new Request(chain))).status, 200);
  assert.equal(waits, [5000]);
  assert.is(kdsFaults.length, 8);
  assert.is((await ask(chain, "none" as KdsFault)).status, 400);
});

test("is asked again after Retry-After, and no more often than told", async () => {
  const waits: number[] = [];
  let left = 2;
  const options = {
    fetch: async (url: string) => ask(url, left-- > 0 ? "rate-limit" : undefined),
    sleep: async (ms: number) => void waits.push(ms),
  };
  const chain = await get(`${BASE}/vcek/v1/Milan/cert_chain`, options);
  assert.match(new TextDecoder().decode(chain), /^-----BEGIN CERTIFICATE-----/);
  assert.equal(waits, [10_000, 10_000]);
  left = 9;
  await rejects(get(`${BASE}/vcek/v1/Milan/crl`, options), /status 429, expected 200/);
});

test("that is wrong is named by the client: status, type, silence", async () => {
  const sleep = async () => {};
  const by = (fault: KdsFault) =>
    get(`${BASE}/vcek/v1/Milan/crl`, { fetch: (url) => ask(url, fault), sleep });
  await rejects(by("server-error"), /Milan\/crl: status 500, expected 200/);
  await rejects(by("not-found"), /status 404/);
  await rejects(by("content-type"), /content type text\/html/);
  const silent = async () => {
    throw new TypeError("fetch failed", { cause: new Error("connection refused") });
  };
  await rejects(get(`${BASE}/x`, { fetch: silent, sleep }), /\/x: connection refused/);
});

test("answers on a port of the loopback, and stops", async () => {
  const serving = await serve(kds, { port: 0 });
  try {
    assert.match(serving.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${serving.url}/vcek/v1/Turin/cert_chain`);
    assert.equal(
      new Uint8Array(await response.arrayBuffer()),
      await body(`${BASE}/vcek/v1/Turin/cert_chain`),
    );
    assert.is((await fetch(`${serving.url}/nothing`)).status, 404);
  } finally {
    await serving.close();
  }
  await rejects(fetch(serving.url), /fetch failed/);
});
