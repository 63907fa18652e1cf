// The AES S-box and its inverse as circuits of xor and and, for a kernel that holds one bit of many bytes in each register.
// Forward and middle: Boyar and Peralta, "A new combinational logic minimization technique with applications to cryptology"
// (2010). Inverse: the same middle between two linear layers found here with their method (23 and 30 gates, so decryption's
// S-box is no larger than encryption's). test/assembly/kernel.test.ts runs both over all 256 bytes.

// u0 and s0 are the most significant bits; y is a sum of input bits, z a product, which the outputs sum. The gates stand in an
// order, found by annealing, that keeps few of them waiting: 25 values at most where the papers' order has 29, for 16 registers.
const SBOX = `
y13 = u0 ^ u6, y14 = u3 ^ u5, y9 = u0 ^ u3, y12 = y13 ^ y14, y8 = u0 ^ u5, t1 = u4 ^ y12, t0 = u1 ^ u2, y20 = t1 ^ u1,
y15 = t1 ^ u5, y1 = t0 ^ u7, y4 = y1 ^ u3, y5 = y1 ^ u6, y11 = y20 ^ y9, y16 = t0 ^ y11, y10 = y15 ^ t0, y2 = y1 ^ u0,
y18 = u0 ^ y16, t8 = y5 & y1, t7 = y13 & y16, t9 = t8 ^ t7, y7 = u7 ^ y11, t10 = y2 & y7, t11 = t10 ^ t7, t12 = y9 & y11,
t15 = y8 & y10, t16 = t15 ^ t12, t20 = t11 ^ t16, t24 = t20 ^ y18, t2 = y12 & y15, t5 = y4 & u7, t6 = t5 ^ t2, t18 = t6 ^ t16,
y17 = y10 ^ y11, t13 = y14 & y17, t14 = t13 ^ t12, t19 = t9 ^ t14, y3 = y5 ^ y8, y6 = y15 ^ u7, t3 = y3 & y6, t4 = t3 ^ t2,
t17 = t4 ^ t14, t21 = t17 ^ y20, y19 = y10 ^ y8, t22 = t18 ^ y19, y21 = y13 ^ y16, t23 = t19 ^ y21, t26 = t21 & t23,
t25 = t21 ^ t22, t30 = t23 ^ t24, t31 = t22 ^ t26, t32 = t31 & t30, t27 = t24 ^ t26, t33 = t32 ^ t24, t35 = t27 ^ t33,
t36 = t24 & t35, t34 = t23 ^ t33, t37 = t36 ^ t34, t38 = t27 ^ t36, t28 = t25 & t27, t29 = t28 ^ t22, t39 = t29 & t38,
t40 = t25 ^ t39, z10 = t37 & y3, t44 = t33 ^ t37, z9 = t44 & y12, z0 = t44 & y15, z11 = t33 & y4, t49 = z9 ^ z10,
t47 = z10 ^ z11, z2 = t33 & u7, z1 = t37 & y6, t42 = t29 ^ t33, z6 = t42 & y11, t41 = t40 ^ t37, z15 = t42 & y9,
t45 = t42 ^ t41, z8 = t41 & y10, z17 = t41 & y8, z16 = t45 & y14, z7 = t45 & y17, t46 = z15 ^ z16, t55 = z16 ^ z17,
t54 = z6 ^ z7, t52 = z7 ^ z8, z5 = t29 & y7, z4 = t40 & y1, z14 = t29 & y2, t43 = t29 ^ t40, z13 = t40 & y5, z3 = t43 & y16,
z12 = t43 & y13, t53 = z0 ^ z3, t59 = z3 ^ t54, t58 = z4 ^ t46, t63 = t49 ^ t58, t62 = t52 ^ t58, t66 = z1 ^ t63,
s0 = t59 ^ t63, t64 = z4 ^ t59, t48 = z5 ^ z13, t50 = z2 ^ z12, t51 = z2 ^ z5, t57 = t50 ^ t53, t56 = z12 ^ t48,
s3 = t53 ^ t66, t60 = t46 ^ t57, t61 = z14 ^ t57, s4 = t51 ^ t66, s6 = t56 ^ t62, s1 = t64 ^ s3, t65 = t61 ^ t62,
s5 = t47 ^ t65, t67 = t64 ^ t65, s2 = t55 ^ t67, s7 = t48 ^ t60`;

const INVERSE_SBOX = `
y3 = u0 ^ u3, a0 = u0 ^ u5, v7 = u2 ^ a0, y6 = u1 ^ y3, y9 = u3 ^ u4, y5 = u0 ^ y6, y1 = u7 ^ y9, y8 = u0 ^ u1, y14 = u4 ^ y6,
y19 = u3 ^ y1, y13 = u6 ^ y1, y2 = y5 ^ y13, y4 = y9 ^ y2, y11 = y4 ^ a0, y7 = u2 ^ y4, y18 = u2 ^ y9, y21 = u6 ^ y7,
t8 = y5 & y1, y16 = y1 ^ y7, t7 = y13 & y16, t9 = t8 ^ t7, t10 = y2 & y7, t11 = t10 ^ t7, y12 = y3 ^ y4, y15 = y6 ^ v7,
t2 = y12 & y15, t3 = y3 & y6, t4 = t3 ^ t2, t5 = y4 & v7, t6 = t5 ^ t2, t12 = y9 & y11, y10 = y6 ^ y1, t15 = y8 & y10,
t16 = t15 ^ t12, t20 = t11 ^ t16, t18 = t6 ^ t16, t24 = t20 ^ y18, t22 = t18 ^ y19, y17 = y16 ^ y15, t13 = y14 & y17,
t14 = t13 ^ t12, t19 = t9 ^ t14, t23 = t19 ^ y21, t17 = t4 ^ t14, y20 = y9 ^ y11, t21 = t17 ^ y20, t25 = t21 ^ t22,
t26 = t21 & t23, t27 = t24 ^ t26, t31 = t22 ^ t26, t30 = t23 ^ t24, t32 = t31 & t30, t33 = t32 ^ t24, t35 = t27 ^ t33,
t36 = t24 & t35, t34 = t23 ^ t33, t37 = t36 ^ t34, t38 = t27 ^ t36, t28 = t25 & t27, t29 = t28 ^ t22, t39 = t29 & t38,
t40 = t25 ^ t39, z2 = t33 & v7, z11 = t33 & y4, z14 = t29 & y2, z5 = t29 & y7, t44 = t33 ^ t37, z9 = t44 & y12,
z0 = t44 & y15, t42 = t29 ^ t33, t43 = t29 ^ t40, z12 = t43 & y13, z3 = t43 & y16, z1 = t37 & y6, z13 = t40 & y5,
z4 = t40 & y1, t41 = t40 ^ t37, z10 = t37 & y3, z17 = t41 & y8, z6 = t42 & y11, z8 = t41 & y10, t45 = t42 ^ t41,
z15 = t42 & y9, z7 = t45 & y17, z16 = t45 & y14, b12 = z11 ^ z17, b16 = z9 ^ b12, s7 = z15 ^ b16, b0 = z6 ^ z15,
b1 = z12 ^ b0, b2 = z13 ^ b1, b15 = z11 ^ z13, b3 = z16 ^ b2, b4 = z8 ^ b3, b5 = z3 ^ b4, b9 = z0 ^ b4, s0 = z5 ^ b5,
b6 = z4 ^ b5, b7 = z1 ^ b6, b10 = z7 ^ b6, s6 = z8 ^ b10, b8 = z2 ^ z10, b13 = z14 ^ b8, b14 = b7 ^ b13, s2 = b14 ^ b15,
b19 = b8 ^ s6, b11 = s0 ^ b9, s5 = b7 ^ b11, b20 = z16 ^ b11, b17 = s2 ^ s7, b18 = z6 ^ b17, s3 = z2 ^ b9, b21 = b19 ^ b20,
s4 = b12 ^ b21, s1 = b3 ^ b18`;

/** Gates as [out, a, "^" or "&", b]. */
const gates = (text) =>
  text
    .trim()
    .split(/,\s*/)
    .map((gate) => /^(\w+) = (\w+) ([&^]) (\w+)$/.exec(gate).slice(1));

/** s = S(u) ^ 63: the four complements are left to the round keys. */
export const FORWARD = gates(SBOX);

/** s = S^-1(u ^ 63). */
export const INVERSE = gates(INVERSE_SBOX);

/** What a circuit makes of one byte. */
export function substitute(circuit, byte) {
  const values = {};
  for (let i = 0; i < 8; i++) values[`u${i}`] = (byte >> (7 - i)) & 1;
  for (const [out, a, op, b] of circuit)
    values[out] = op === "&" ? values[a] & values[b] : values[a] ^ values[b];
  return Array.from({ length: 8 }, (_, i) => values[`s${i}`] << (7 - i)).reduce((x, y) => x | y);
}
