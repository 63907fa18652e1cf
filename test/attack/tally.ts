// What a run of the hostile hypervisor tried, and how often each came to pass.
export interface Tally {
  operations: number;
  reads: number;
  faults: number;
  /** Pages given up by their guest, which saw a #VC. */
  lost: number;
  writes: number;
  hostile: number;
  /** What the hardware refused the hypervisor. */
  refused: number;
  runs: number;
  /** Guests that VMRUN would not enter again. */
  killed: number;
  /** Pages looked through for secrets and keys. */
  scanned: number;
}
