// AES-128-XTS of OpenSSL's libcrypto over a page or a line at a time. Keyed once; each unit has its own number.
#include <openssl/evp.h>
#include "peer.h"

#define PAGE 4096
#define LINE 64

static uint8_t from[PAGE], to[PAGE];

static EVP_CIPHER_CTX *keyed(int encrypt) {
  uint8_t key[32];
  for (int i = 0; i < 32; i++) key[i] = (uint8_t)(i * 7 + 1);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (!context || !EVP_CipherInit_ex(context, EVP_aes_128_xts(), NULL, key, NULL, encrypt)) fail("EVP_CipherInit_ex");
  return context;
}

// Enciphers (or deciphers) `bytes` from `from` to `to` as data units 0 to times - 1.
static void run(EVP_CIPHER_CTX *context, int bytes, uint64_t times) {
  int done;
  for (uint64_t unit = 0; unit < times; unit++) {
    uint8_t number[16] = {0};
    memcpy(number, &unit, sizeof unit);
    if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, number, -1)) fail("EVP_CipherInit_ex");
    if (!EVP_CipherUpdate(context, to, &done, from, bytes)) fail("EVP_CipherUpdate");
  }
}

int main(void) {
  EVP_CIPHER_CTX *encrypt = keyed(1), *decrypt = keyed(0);
  for (int i = 0; i < PAGE; i++) from[i] = (uint8_t)(i * 167 + (i >> 4) * 59 + 13);
  char name[32];
  unsigned long times;
  while (scanf("%31s %lu", name, &times) == 2) {
    int bytes = strncmp(name, "page", 4) == 0 ? PAGE : LINE;
    EVP_CIPHER_CTX *context = strstr(name, "decrypt") ? decrypt : encrypt;
    uint64_t before = nanoseconds();
    run(context, bytes, times);
    uint64_t after = nanoseconds();
    printf("%lu %016lx\n", (unsigned long)(after - before), (unsigned long)digest(to, (size_t)bytes));
    fflush(stdout);
  }
}
