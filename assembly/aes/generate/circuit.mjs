// The AES S-box and its inverse as circuits of xor and and, for a kernel that holds one bit of many bytes in each register.
// Middle (t to z): Boyar and Peralta, "A small depth-16 circuit for the AES S-box" (2012). It has one gate more than the smallest
// and five levels fewer, for a round waits for its levels. Around it, forward: the 113 gates of Boyar, Peralta and Calik (Circuit
// Minimization Team); inverse: two linear layers found here with Boyar and Peralta's method (23 and 30 gates, so decryption's S-box
// is hardly larger). test/assembly/kernel.test.ts runs both over all 256 bytes.

// u0 and s0 are the most significant bits; y is a sum of input bits, z a product, which the outputs sum. The gates stand in an
// order, found by annealing, that keeps few of them waiting for more registers than there are.
const SBOX = `
y14 = u3 ^ u5, y13 = u0 ^ u6, y12 = y13 ^ y14, t1 = u4 ^ y12, y15 = t1 ^ u5, y9 = u0 ^ u3, t0 = u1 ^ u2, y20 = t1 ^ u1,
y11 = y20 ^ y9, t2 = y12 & y15, y16 = t0 ^ y11, y8 = u0 ^ u5, y10 = y15 ^ t0, y1 = t0 ^ u7, t12 = y9 & y11, y17 = y10 ^ y11,
t13 = y14 & y17, t14 = t13 ^ t12, y2 = y1 ^ u0, y5 = y1 ^ u6, y7 = u7 ^ y11, t10 = y2 & y7, t7 = y13 & y16, y4 = y1 ^ u3,
t5 = y4 & u7, t8 = y5 & y1, t11 = t10 ^ t7, t6 = t5 ^ t2, t9 = t8 ^ t7, t15 = y8 & y10, t19 = t9 ^ t14, t16 = t15 ^ t12,
y6 = y15 ^ u7, y18 = u0 ^ y16, t18 = t6 ^ t16, t20 = t11 ^ t16, y19 = y10 ^ y8, t22 = t18 ^ y19, y3 = y5 ^ y8, y21 = y13 ^ y16,
t3 = y3 & y6, t24 = t20 ^ y18, t4 = t3 ^ t2, t23 = t19 ^ y21, t17 = t4 ^ t14, t21 = t17 ^ y20, m25 = t23 & t21,
m31 = t21 & t24, m27 = t21 ^ t22, m28 = t24 ^ m25, m32 = m27 & m31, m34 = t22 & t23, m29 = m28 & m27, m33 = m27 ^ m25,
m24 = t23 ^ t24, t40 = m32 ^ m33, m26 = t22 ^ m25, m30 = m26 & m24, m35 = m24 & m34, m36 = m24 ^ m25, t37 = m35 ^ m36,
t29 = t22 ^ m29, z1 = t37 & y6, z4 = t40 & y1, t43 = t29 ^ t40, t33 = t24 ^ m30, t44 = t33 ^ t37, t41 = t40 ^ t37,
z3 = t43 & y16, z8 = t41 & y10, z12 = t43 & y13, z10 = t37 & y3, z5 = t29 & y7, z2 = t33 & u7, z0 = t44 & y15, c4 = z0 ^ z2,
c12 = z3 ^ z5, c6 = z3 ^ z4, c7 = z12 ^ c4, c9 = z8 ^ c7, z9 = t44 & y12, z11 = t33 & y4, c5 = z1 ^ z0, z13 = t40 & y5,
t42 = t29 ^ t33, t45 = t42 ^ t41, c14 = c4 ^ c12, c11 = c6 ^ c5, z14 = t29 & y2, z7 = t45 & y17, c8 = z7 ^ c6, z16 = t45 & y14,
z15 = t42 & y9, c1 = z15 ^ z16, c13 = z13 ^ c1, c10 = c8 ^ c9, c18 = c13 ^ c14, c2 = z10 ^ c1, c17 = z14 ^ c10, z6 = t42 & y11,
z17 = t41 & y8, c16 = z6 ^ c8, c3 = z9 ^ c2, c21 = c2 ^ z11, s3 = c3 ^ c11, c20 = z15 ^ c16, s4 = c14 ^ s3, s7 = z12 ^ c18,
c26 = c17 ^ c20, s2 = c26 ^ z17, s1 = s3 ^ c16, s6 = c10 ^ c18, s5 = c21 ^ c17, s0 = c3 ^ c16`;

const INVERSE_SBOX = `
y9 = u3 ^ u4, y1 = u7 ^ y9, a0 = u0 ^ u5, y3 = u0 ^ u3, y6 = u1 ^ y3, y13 = u6 ^ y1, y8 = u0 ^ u1, y10 = y6 ^ y1, t3 = y3 & y6,
y5 = u0 ^ y6, y14 = u4 ^ y6, t15 = y8 & y10, y2 = y5 ^ y13, y19 = u3 ^ y1, v7 = u2 ^ a0, y15 = y6 ^ v7, y4 = y9 ^ y2,
y12 = y3 ^ y4, t5 = y4 & v7, y11 = y4 ^ a0, t2 = y12 & y15, y7 = u2 ^ y4, t4 = t3 ^ t2, t6 = t5 ^ t2, y21 = u6 ^ y7,
t12 = y9 & y11, t10 = y2 & y7, t16 = t15 ^ t12, t18 = t6 ^ t16, y18 = u2 ^ y9, t22 = t18 ^ y19, y16 = y1 ^ y7, t7 = y13 & y16,
t11 = t10 ^ t7, t20 = t11 ^ t16, t24 = t20 ^ y18, y17 = y16 ^ y15, t8 = y5 & y1, t13 = y14 & y17, t9 = t8 ^ t7,
t14 = t13 ^ t12, t19 = t9 ^ t14, t17 = t4 ^ t14, t23 = t19 ^ y21, y20 = y9 ^ y11, m24 = t23 ^ t24, t21 = t17 ^ y20,
m25 = t23 & t21, m27 = t21 ^ t22, m31 = t21 & t24, m34 = t22 & t23, m28 = t24 ^ m25, m32 = m27 & m31, m29 = m28 & m27,
m33 = m27 ^ m25, t40 = m32 ^ m33, t29 = t22 ^ m29, m26 = t22 ^ m25, m35 = m24 & m34, m36 = m24 ^ m25, m30 = m26 & m24,
z4 = t40 & y1, t33 = t24 ^ m30, t37 = m35 ^ m36, t43 = t29 ^ t40, t42 = t29 ^ t33, t41 = t40 ^ t37, z3 = t43 & y16,
z6 = t42 & y11, z12 = t43 & y13, t44 = t33 ^ t37, z15 = t42 & y9, z13 = t40 & y5, b0 = z6 ^ z15, t45 = t42 ^ t41,
b1 = z12 ^ b0, z2 = t33 & v7, b2 = z13 ^ b1, z11 = t33 & y4, z17 = t41 & y8, b15 = z11 ^ z13, b12 = z11 ^ z17, z8 = t41 & y10,
z7 = t45 & y17, z9 = t44 & y12, b16 = z9 ^ b12, s7 = z15 ^ b16, z16 = t45 & y14, b3 = z16 ^ b2, z0 = t44 & y15, b4 = z8 ^ b3,
b9 = z0 ^ b4, b5 = z3 ^ b4, b6 = z4 ^ b5, b10 = z7 ^ b6, z1 = t37 & y6, b7 = z1 ^ b6, z10 = t37 & y3, z5 = t29 & y7,
s0 = z5 ^ b5, z14 = t29 & y2, b8 = z2 ^ z10, b11 = s0 ^ b9, s6 = z8 ^ b10, b19 = b8 ^ s6, b20 = z16 ^ b11, b13 = z14 ^ b8,
b14 = b7 ^ b13, b21 = b19 ^ b20, s2 = b14 ^ b15, s5 = b7 ^ b11, b17 = s2 ^ s7, s3 = z2 ^ b9, s4 = b12 ^ b21, b18 = z6 ^ b17,
s1 = b3 ^ b18`;

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
