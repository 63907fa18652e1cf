// What a runtime hands in, by shape: the public declarations then need neither the DOM library nor @types/node.

/** A compiled core, as `WebAssembly.Module` is. */
export type CoreModule = object;

/** As `ReadableStream<Uint8Array>` is. */
export interface ByteStream {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** As `AbortSignal` is. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
}
