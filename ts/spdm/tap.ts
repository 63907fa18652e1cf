// Where a message may be looked at in the clear, on either side, before it is sealed or after it was opened.
export type Tap = (
  side: "request" | "response",
  message: Uint8Array,
  sessionId: number | undefined,
) => void;
