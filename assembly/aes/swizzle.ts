// The byte shuffle that the kernels index tables with. An index of 0x80 or more gives 0; none of 16 to 127 occurs. Under that
// rule relaxed SIMD's is the same on every machine, and one instruction instead of two on x86.

export function swizzle(table: v128, index: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? i8x16.relaxed_swizzle(table, index)
    : i8x16.swizzle(table, index);
}
