// The AES S-box and its inverse as circuits of xor and and, for a kernel that holds one bit of many bytes in each register.
// Middle (t to z): Boyar and Peralta, "A small depth-16 circuit for the AES S-box" (2012). It has one gate more than the smallest
// and five levels fewer, for a round waits for its levels. Around it, forward: the 113 gates of Boyar, Peralta and Calik (Circuit
// Minimization Team); inverse: two linear layers found here with Boyar and Peralta's method (23 and 30 gates, so decryption's S-box
// is hardly larger; of many such the shallowest). test/assembly/kernel.test.ts runs both over all 256 bytes.

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
a25 = u0 ^ u5, y9 = u3 ^ u4, y1 = u7 ^ y9, y8 = u0 ^ u1, y3 = u0 ^ u3, y5 = u1 ^ u3, y19 = u4 ^ u7, y6 = u1 ^ y3,
y13 = u6 ^ y1, t3 = y3 & y6, t8 = y5 & y1, y2 = y5 ^ y13, v7 = u2 ^ a25, y4 = y9 ^ y2, y7 = u2 ^ y4, y16 = y1 ^ y7,
y18 = u2 ^ y9, y20 = y2 ^ a25, t10 = y2 & y7, t5 = y4 & v7, t7 = y13 & y16, y15 = y6 ^ v7, t11 = t10 ^ t7, y14 = y8 ^ y9,
y12 = y13 ^ y14, t2 = y12 & y15, t9 = t8 ^ t7, t4 = t3 ^ t2, t6 = t5 ^ t2, y10 = y19 ^ y8, y11 = y9 ^ y20, t12 = y9 & y11,
t15 = y8 & y10, t16 = t15 ^ t12, t18 = t6 ^ t16, t22 = t18 ^ y19, t20 = t11 ^ t16, t24 = t20 ^ y18, y17 = y10 ^ y11,
t13 = y14 & y17, t14 = t13 ^ t12, y21 = u6 ^ y7, t19 = t9 ^ t14, t17 = t4 ^ t14, t23 = t19 ^ y21, t21 = t17 ^ y20,
m31 = t21 & t24, m27 = t21 ^ t22, m25 = t23 & t21, m28 = t24 ^ m25, m29 = m28 & m27, m32 = m27 & m31, m34 = t22 & t23,
m24 = t23 ^ t24, m35 = m24 & m34, t29 = t22 ^ m29, m26 = t22 ^ m25, m30 = m26 & m24, m36 = m24 ^ m25, t37 = m35 ^ m36,
t33 = t24 ^ m30, t42 = t29 ^ t33, z6 = t42 & y11, m33 = m27 ^ m25, z5 = t29 & y7, t40 = m32 ^ m33, t41 = t40 ^ t37,
t45 = t42 ^ t41, z15 = t42 & y9, t43 = t29 ^ t40, z8 = t41 & y10, z16 = t45 & y14, z17 = t41 & y8, z4 = t40 & y1,
z7 = t45 & y17, b18 = z6 ^ z15, z13 = t40 & y5, z3 = t43 & y16, z12 = t43 & y13, b19 = z13 ^ b18, b20 = z12 ^ z16,
b21 = z8 ^ b20, b22 = b19 ^ b21, b28 = z3 ^ z5, b23 = z4 ^ b22, t44 = t33 ^ t37, b24 = z3 ^ b23, z14 = t29 & y2, b26 = z7 ^ z8,
z1 = t37 & y6, s0 = b22 ^ b28, b31 = z1 ^ b24, z2 = t33 & v7, s6 = b24 ^ b26, z11 = t33 & y4, z10 = t37 & y3, b25 = z2 ^ z10,
b34 = z14 ^ b25, b35 = b31 ^ b34, z0 = t44 & y15, b30 = z11 ^ z17, b32 = z0 ^ b28, b42 = z2 ^ b32, z9 = t44 & y12,
b45 = z16 ^ b42, b36 = z9 ^ b30, b40 = b20 ^ b36, b44 = s6 ^ b30, s5 = b31 ^ b32, b38 = z11 ^ b35, b46 = z10 ^ b44,
s1 = b38 ^ b40, s3 = s0 ^ b42, s7 = z15 ^ b36, s4 = b45 ^ b46, s2 = z13 ^ b38`;

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
