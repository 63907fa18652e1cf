// One figure of the benchmark: a rate, and the same against a peer measured in the same run.
export interface Figure {
  name: string;
  value: number;
  unit: string;
  peer: string;
  peerValue: number;
  ratio: number;
  /** Half the interquartile distance over the median. */
  spread: number;
}
