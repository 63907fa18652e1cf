// The compiled core, inlined. Written into dist/ by ts/pack.mjs from build/release.wasm.
/** Base64 of the WebAssembly module. */
export const release: string;
/** SHA-256 of the module's bytes, in hex. */
export const sha256: string;
