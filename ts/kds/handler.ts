// A key service for emulated chips: Request in, Response out, mountable anywhere. AMD 57230, 4.
import { equal } from "../attest/bytes.ts";
import { serialOf } from "../attest/evidence/certify.ts";
import { certChain } from "../attest/evidence/directory.ts";
import { crlOf, endorserOf } from "../attest/evidence/identity.ts";
import { chipIdOf } from "../attest/evidence/secret.ts";
import { chipIdBytes } from "../attest/product.ts";
import { type KdsFault, kdsFaults } from "./fault.ts";
import { NoQuestion, parseQuestion, type Question } from "./path.ts";

export interface KdsOptions {
  /** The chips this service knows: one for each product, as `makeIdentity` makes them. */
  readonly seed: string;
  /** Milliseconds since 1970; certificates are valid from the day before. */
  readonly clock: () => number;
  readonly cspId?: string;
  /** Every answer is wrong in this way. A request may ask for another by the header `x-cloister-fault`. */
  readonly fault?: KdsFault;
  /** Waits, for the fault "slow". Without it the answer comes at once. */
  readonly sleep?: (ms: number) => Promise<void>;
}

export type Kds = (request: Request) => Promise<Response>;

const DAY = 86_400_000;
const SLOW_MS = 5000;
const RETRY_SECONDS = 10;

interface Answer {
  readonly body: Uint8Array;
  readonly type: string;
}

// Unverified on AMD's service: the types RFC 2585 and RFC 8555 give to what is sent.
const DER = "application/pkix-cert";
const CRL = "application/pkix-crl";
const PEM = "application/x-pem-file";

const refusal = (status: number, text: string, headers: Record<string, string> = {}) =>
  new Response(`${text}\n`, { status, headers: { "content-type": "text/plain", ...headers } });

function faultOf(request: Request, options: KdsOptions): KdsFault | undefined {
  const asked = request.headers.get("x-cloister-fault");
  if (asked === null) return options.fault;
  if (!kdsFaults.includes(asked as KdsFault)) {
    throw new NoQuestion(400, `x-cloister-fault "${asked}", expected ${kdsFaults.join(", ")}`);
  }
  return asked as KdsFault;
}

function crlFor(question: Question, options: KdsOptions, fault: KdsFault | undefined) {
  const now = options.clock();
  // All VCEKs have serial number 0: a chip is revoked by revoking the ASK over it. LIMITATIONS.md.
  const signer = "kind" in question && question.kind === "vlek" ? "ASVK" : "ASK";
  const revoked = fault === "revoked" ? [serialOf(signer, question.product)] : [];
  return crlOf(question.product, fault === "crl-expired" ? now - 400 * DAY : now, revoked);
}

async function answer(question: Question, options: KdsOptions, fault?: KdsFault): Promise<Answer> {
  const { product } = question;
  if (question.what === "cert_chain") {
    const text = certChain(product, question.kind);
    return { body: new TextEncoder().encode(text), type: PEM };
  }
  if (question.what === "crl") return { body: await crlFor(question, options, fault), type: CRL };
  const { seed } = options;
  const chipId = chipIdOf(seed, product);
  if (question.what === "vcek" && !equal(question.hwid, chipId.subarray(0, chipIdBytes(product)))) {
    throw new NoQuestion(404, `no ${product} with this hwid`);
  }
  const of = {
    seed,
    product,
    chipId,
    cspId: options.cspId ?? "CN=cloister.invalid",
    tcb: question.tcb,
    at: options.clock(),
  };
  const { certificate } = await endorserOf(question.what === "vcek" ? "VCEK" : "VLEK", of);
  return { body: certificate, type: DER };
}

async function respond(request: Request, options: KdsOptions): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refusal(405, `method ${request.method}, expected GET`, { allow: "GET, HEAD" });
  }
  const question = parseQuestion(new URL(request.url));
  const fault = faultOf(request, options);
  if (fault === "rate-limit") {
    return refusal(429, "too many requests", { "retry-after": String(RETRY_SECONDS) });
  }
  if (fault === "server-error") return refusal(500, "internal server error");
  if (fault === "not-found") return refusal(404, "not found");
  if (fault === "slow") await options.sleep?.(SLOW_MS);
  const { body, type } = await answer(question, options, fault);
  const sent = fault === "truncated" ? body.subarray(0, body.length >> 1) : body;
  const headers = {
    "content-type": fault === "content-type" ? "text/html" : type,
    "content-length": String(sent.length),
  };
  return new Response(request.method === "HEAD" ? null : Uint8Array.from(sent), { headers });
}

/** The service as a function, for any server that speaks Request and Response. */
export function makeKds(options: KdsOptions): Kds {
  return async (request) => {
    try {
      return await respond(request, options);
    } catch (error) {
      if (error instanceof NoQuestion) return refusal(error.status, error.message);
      throw error;
    }
  };
}
