// STREAM's triad, a[i] = b[i] + s * c[i], over three arrays of 16 MiB: together beyond the 32 MiB of a last-level cache slice.
// gcc -O3 -mavx2 -static -o triad triad.c
enum { LENGTH = 2 << 20, ROUNDS = 2 };

static double a[LENGTH], b[LENGTH], c[LENGTH];

int main(void) {
  for (long i = 0; i < LENGTH; i++) {
    a[i] = 1.0;
    b[i] = 2.0;
    c[i] = 0.5;
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (long i = 0; i < LENGTH; i++) a[i] = b[i] + 3.0 * c[i];
    // Keeps the compiler from making one round of two.
    __asm__ volatile("" ::: "memory");
  }
  return a[LENGTH - 1] == 3.5 ? 0 : 1;
}
