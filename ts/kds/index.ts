// `cloister/kds`: AMD's key distribution service for emulated chips, and a client for either.
export { type ClientOptions, get, KdsFailed } from "./client.ts";
export { type KdsFault, kdsFaults } from "./fault.ts";
export { type Kds, type KdsOptions, makeKds } from "./handler.ts";
export { certChainUrl, crlUrl, KDS, parseQuestion, type Question, vcekUrl } from "./path.ts";
