// STREAM's triad over three arrays of 24 MiB each: beyond every last-level cache slice of the parts. gcc -O2 -o triad triad.c
#include <stdio.h>
#include <stdlib.h>

enum { LENGTH = 3 << 20 };

static double a[LENGTH], b[LENGTH], c[LENGTH];

int main(void) {
  for (long i = 0; i < LENGTH; i++) {
    b[i] = i;
    c[i] = 2.0 * i;
  }
  for (int round = 0; round < 2; round++)
    for (long i = 0; i < LENGTH; i++) a[i] = b[i] + 3.0 * c[i];
  printf("%f\n", a[LENGTH - 1]);
  return 0;
}
