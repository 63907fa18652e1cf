// Asks a key service, AMD's or Cloister's, and waits when it is told to. AMD 57230, 4; RFC 6585, 4.
import { BadInput } from "../error.ts";

export interface ClientOptions {
  readonly fetch: (url: string) => Promise<Response>;
  /** Waits between attempts. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Attempts beyond the first when the service says 429 or 503. Default 3. */
  readonly retries?: number;
  /** The longest wait that is obeyed, in seconds. Default 30. */
  readonly maxDelay?: number;
}

/** The service could not give what was asked: which URL, what it said. */
export class KdsFailed extends BadInput {
  override name = "KdsFailed";
}

async function attempt(url: string, options: ClientOptions): Promise<Response> {
  try {
    return await options.fetch(url);
  } catch (error) {
    const cause = (error as { cause?: Error }).cause ?? (error as Error);
    throw new KdsFailed(`${url}: ${cause.message || String(cause)}`);
  }
}

async function bodyOf(url: string, response: Response): Promise<Uint8Array> {
  const type = response.headers.get("content-type") ?? "";
  if (/text\/html/.test(type)) {
    throw new KdsFailed(`${url}: content type ${type}, expected a certificate or a list`);
  }
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new KdsFailed(`${url}: ${(error as Error).message}`);
  }
}

/** The body of a GET. Obeys Retry-After; any other status is an error that names it. */
export async function get(url: string, options: ClientOptions): Promise<Uint8Array> {
  const retries = options.retries ?? 3;
  for (let tries = 0; ; tries++) {
    const response = await attempt(url, options);
    if (response.status === 200) return bodyOf(url, response);
    if ((response.status !== 429 && response.status !== 503) || tries === retries) {
      throw new KdsFailed(`${url}: status ${response.status}, expected 200`);
    }
    const asked = Number(response.headers.get("retry-after") ?? 2 ** tries);
    const seconds = Number.isFinite(asked) && asked >= 0 ? asked : 2 ** tries;
    await options.sleep(Math.min(seconds, options.maxDelay ?? 30) * 1000);
  }
}
