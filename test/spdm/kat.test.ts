import { chainOf } from "../../dist/spdm/certificate.js";
import { nobleCurves } from "../../dist/spdm/crypto.js";
import * as Keys from "../../dist/spdm/key-schedule.js";
import { hex, join } from "../../dist/spdm/octets.js";
import { open, seal, sessionIdOf } from "../../dist/spdm/secured-message.js";
import { verify } from "../../dist/spdm/signature.js";
import { type Suite, suiteOf } from "../../dist/spdm/suite.js";
import { SessionTranscript, Transcript } from "../../dist/spdm/transcript.js";
import { assert, skip, suite } from "../kit.ts";
import { hasShared, shared } from "../shared.ts";

interface Kat {
  messages: { dir: string; code: string; hex: string }[];
  secured: { dir: "req" | "rsp"; seq: number; doe_payload: string; spdm: string }[];
  values: Record<string, string>;
  FINISH_wire_doe_payload: string;
  FINISH_plain: string;
  FINISH_RSP_wire_doe_payload: string;
  FINISH_RSP_plain: string;
}

const FILE = "spdm12_doe_kat.json";
const test = suite("SPDM 1.2 as DMTF's requester and responder spoke it");
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

if (!hasShared(FILE)) {
  skip("the SPDM known answers", `../shared/vectors/${FILE} is not there`);
  test("the reason is said aloud", () => assert.is(hasShared(FILE), false));
} else {
  const kat = shared<Kat>(FILE);
  const message = (code: number, nth = 0): Uint8Array =>
    octets(kat.messages.filter((each) => Number(each.code) === code)[nth]!.hex);
  const value = kat.values;
  const a = join(...[0x84, 0x04, 0xe1, 0x61, 0xe3, 0x63].map((code) => message(code)));
  const negotiated: Suite = suiteOf(message(0x63), nobleCurves)!;
  const chain = chainOf(octets(value["cert_chain"]!), negotiated.hash);
  const leaf = chain.leafKey;
  const S = 96;
  const H = 48;

  test("the connection's first six messages are A", () => assert.is(hex(a), value["VCA"]));

  test("CHALLENGE_AUTH is signed over A, B and C, in the order they were sent", () => {
    const transcript = new Transcript(negotiated, a);
    transcript.digests(message(0x81), message(0x01));
    transcript.certificate(message(0x82, 0), message(0x02, 0));
    transcript.certificate(message(0x82, 1), message(0x02, 1));
    const response = message(0x03);
    const m1 = transcript.challenge(message(0x83), response.subarray(0, -S));
    assert.is(hex(m1), value["M1_hash"]);
    const signature = response.subarray(-S);
    assert.is(verify(negotiated, "responder-challenge_auth signing", m1, signature, leaf), true);
    m1[0]! ^= 1;
    assert.not(verify(negotiated, "responder-challenge_auth signing", m1, signature, leaf));
  });

  test("MEASUREMENTS is signed over A and L", () => {
    const transcript = new Transcript(negotiated, a);
    const response = message(0x60);
    const l1 = transcript.signedMeasurements(message(0xe0), response.subarray(0, -S));
    assert.is(hex(l1), value["L1_hash"]);
    assert.is(
      verify(negotiated, "responder-measurements signing", l1, response.subarray(-S), leaf),
      true,
    );
  });

  test("a session measures into an L of its own", () => {
    const transcript = new Transcript(negotiated, a);
    const request = kat.secured.find((each) => each.spdm.startsWith("12e0"))!.spdm;
    const response = octets(kat.secured.find((each) => each.spdm.startsWith("1260"))!.spdm);
    const l1 = transcript.signedMeasurements(octets(request), response.subarray(0, -S));
    assert.is(hex(l1), value["L1_hash_in_session"]);
  });

  const exchange = message(0xe4);
  const answer = message(0x64);
  const unsigned = answer.subarray(0, answer.length - S - H);
  const chainHash = negotiated.hash.digest(octets(value["cert_chain"]!));

  const handshake = () => {
    const th = new SessionTranscript(negotiated, a, chainHash).append(exchange, unsigned);
    const signed = th.digest();
    const th1 = th.append(answer.subarray(unsigned.length, unsigned.length + S)).digest();
    th.append(answer.subarray(-H));
    const secret = Keys.handshakeSecret(negotiated, octets(value["dhe_secret"]!));
    return { th, signed, th1, secret, keys: Keys.handshakeSecrets(negotiated, secret, th1) };
  };

  test("KEY_EXCHANGE_RSP is signed over TH, and TH1 makes the handshake keys", () => {
    const { signed, th1, secret, keys } = handshake();
    assert.is(hex(chainHash), value["cert_chain_hash"]);
    assert.is(hex(signed), value["TH_sig_hash"]);
    const signature = answer.subarray(unsigned.length, unsigned.length + S);
    assert.is(
      verify(negotiated, "responder-key_exchange_rsp signing", signed, signature, leaf),
      true,
    );
    assert.is(hex(th1), value["TH1"]);
    assert.is(hex(secret), value["handshake_secret"]);
    assert.is(hex(keys.request.secret), value["req_hs_secret"]);
    assert.is(hex(keys.response.secret), value["rsp_hs_secret"]);
    assert.is(hex(keys.request.key), value["hs_key_req"]);
    assert.is(hex(keys.request.iv), value["hs_iv_req"]);
    assert.is(hex(keys.response.key), value["hs_key_rsp"]);
    assert.is(hex(keys.response.iv), value["hs_iv_rsp"]);
    const finished = Keys.finishedKey(negotiated, keys.response);
    assert.is(hex(finished), value["finished_rsp"]);
    assert.is(hex(Keys.finishedKey(negotiated, keys.request)), value["finished_req"]);
    assert.is(hex(negotiated.hash.hmac(finished, th1)), hex(answer.subarray(-H)));
  });

  const established = () => {
    const { th, secret, keys } = handshake();
    const sealed = octets(kat.FINISH_wire_doe_payload);
    const id = sessionIdOf(sealed)!;
    const finish = open(negotiated, keys.request, sealed)!;
    const before = th.append(finish.subarray(0, 4)).digest();
    th.append(finish.subarray(4));
    const rsp = open(negotiated, keys.response, octets(kat.FINISH_RSP_wire_doe_payload))!;
    const th2 = th.append(rsp).digest();
    const master = Keys.masterSecret(negotiated, secret);
    return { id, finish, rsp, before, th2, master, handshakeKeys: keys };
  };

  test("FINISH proves the requester, and TH2 makes the data keys", () => {
    const { finish, rsp, before, th2, master, handshakeKeys } = established();
    assert.is(hex(finish), kat.FINISH_plain);
    assert.is(hex(rsp), kat.FINISH_RSP_plain);
    const proof = negotiated.hash.hmac(Keys.finishedKey(negotiated, handshakeKeys.request), before);
    assert.is(hex(proof), hex(finish.subarray(4)));
    assert.is(hex(th2), value["TH2"]);
    assert.is(hex(master), value["master_secret"]);
    const data = Keys.dataSecrets(negotiated, master, th2);
    assert.is(hex(data.request.secret), value["req_data_secret"]);
    assert.is(hex(data.response.secret), value["rsp_data_secret"]);
    assert.is(hex(data.request.key), value["data_key_req"]);
    assert.is(hex(data.request.iv), value["data_iv_req"]);
    assert.is(hex(data.response.key), value["data_key_rsp"]);
    assert.is(hex(data.response.iv), value["data_iv_rsp"]);
    const exported = Keys.exportMasterSecret(negotiated, master, th2);
    assert.is(hex(exported), value["export_master"]);
  });

  test("every secured message opens, and sealing it again gives the same octets", () => {
    const { id, th2, master } = established();
    const opening = Keys.dataSecrets(negotiated, master, th2);
    const sealing = Keys.dataSecrets(negotiated, master, th2);
    let updates = 0;
    for (const { dir, doe_payload, spdm, seq } of kat.secured) {
      const side = dir === "req" ? "request" : "response";
      assert.is(opening[side].sequence, BigInt(seq));
      const record = octets(doe_payload);
      assert.is(hex(open(negotiated, opening[side], record)!), spdm);
      const again = seal(negotiated, id, sealing[side], octets(spdm));
      const padded = join(again, new Uint8Array(-again.length & 3));
      assert.is(hex(padded), doe_payload);
      if (!spdm.startsWith("12e901")) continue;
      updates++;
      opening.request = Keys.updated(negotiated, opening.request);
      sealing.request = Keys.updated(negotiated, sealing.request);
      assert.is(hex(opening.request.secret), value["req_data_secret_upd1"]);
      assert.is(hex(opening.request.key), value["data_key_req_upd1"]);
      assert.is(hex(opening.request.iv), value["data_iv_req_upd1"]);
    }
    assert.is(updates, 1);
    assert.is(kat.secured.length, 104);
  });
}
