// A pointer chase over 64 MiB: 2^20 nodes of 64 bytes, each naming the one an odd step near 0.618 of their number ahead.
// gcc -O2 -static -o chase chase.c
enum { NODES = 1 << 20, STEP = 648055, ROUNDS = 1 };

struct node {
  struct node *next;
  char rest[56];
};

static struct node nodes[NODES];

int main(void) {
  for (long i = 0; i < NODES; i++) nodes[i].next = &nodes[(i + STEP) % NODES];
  struct node *at = nodes;
  for (long i = 0; i < (long)ROUNDS * NODES; i++) at = at->next;
  return at == nodes ? 0 : 1;
}
