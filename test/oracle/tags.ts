// Slow twin of assembly/model/tags.ts and stream.ts: sets as arrays in order of use, trackers as objects.
export type Geometry = { sets: number; ways: number };

export class Tags {
  readonly rows: { key: bigint; dirty: boolean }[][];
  pushed: { key: bigint; dirty: boolean } | undefined;
  readonly shape: Geometry;
  constructor(shape: Geometry) {
    this.shape = shape;
    this.rows = Array.from({ length: shape.sets }, () => []);
  }
  row = (key: bigint) => this.rows[Number(BigInt.asUintN(32, key) % BigInt(this.shape.sets))]!;
  touch(key: bigint, dirty = false): boolean {
    const row = this.row(key);
    const at = row.findIndex((entry) => entry.key === key);
    const entry = at < 0 ? { key, dirty: false } : row.splice(at, 1)[0]!;
    row.unshift({ key, dirty: entry.dirty || dirty });
    this.pushed = row.length > this.shape.ways ? row.pop() : undefined;
    return at >= 0;
  }
  mark(key: bigint): boolean {
    const entry = this.row(key).find((candidate) => candidate.key === key);
    if (entry) entry.dirty = true;
    return entry !== undefined;
  }
  drop = (key: bigint) =>
    void this.rows.splice(
      this.rows.indexOf(this.row(key)),
      1,
      this.row(key).filter((e) => e.key !== key),
    );
}

export class Trackers {
  readonly rows = Array.from({ length: 16 }, () => ({ last: 0n, stride: 0n, sure: 0, stamp: 0 }));
  clock = 0;
  continues = (line: bigint) => this.rows.some((t) => t.sure >= 2 && t.last + t.stride === line);
  train(line: bigint): boolean {
    this.clock++;
    const exact = this.rows.find((t) => t.stride !== 0n && line - t.last === t.stride);
    if (exact)
      return Object.assign(exact, { last: line, stamp: this.clock, sure: exact.sure + 1 }).sure > 2;
    const near = this.rows.findLast((t) => line - t.last >= -32n && line - t.last <= 32n);
    if (near?.last === line) return false;
    const chosen = near ?? this.rows.reduce((oldest, t) => (t.stamp < oldest.stamp ? t : oldest));
    Object.assign(chosen, {
      stride: near ? line - near.last : 0n,
      last: line,
      sure: near ? 1 : 0,
      stamp: this.clock,
    });
    return false;
  }
}
