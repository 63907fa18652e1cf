// AES-128-XTS of OpenSSL's libcrypto over a page or a line at a time. Keyed once; each unit has its own number.
#include <openssl/evp.h>
#include <pthread.h>
#include "peer.h"

#define PAGE 4096
#define LINE 64

static uint8_t from[PAGE];

// One thread's cipher, where its result goes, and how often it does what.
typedef struct {
  EVP_CIPHER_CTX *context;
  uint8_t to[PAGE];
  int bytes;
  uint64_t times;
} Job;

static EVP_CIPHER_CTX *keyed(int encrypt) {
  uint8_t key[32];
  for (int i = 0; i < 32; i++) key[i] = (uint8_t)(i * 7 + 1);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (!context || !EVP_CipherInit_ex(context, EVP_aes_128_xts(), NULL, key, NULL, encrypt)) fail("EVP_CipherInit_ex");
  return context;
}

// Enciphers (or deciphers) `from` as data units 0 to times - 1.
static void *run(void *given) {
  Job *job = given;
  int done;
  for (uint64_t unit = 0; unit < job->times; unit++) {
    uint8_t number[16] = {0};
    memcpy(number, &unit, sizeof unit);
    if (!EVP_CipherInit_ex(job->context, NULL, NULL, NULL, number, -1)) fail("EVP_CipherInit_ex");
    if (!EVP_CipherUpdate(job->context, job->to, &done, from, job->bytes)) fail("EVP_CipherUpdate");
  }
  return NULL;
}

// So many threads doing the same, by the clock on the wall.
static uint64_t together(Job *jobs, int threads, uint64_t times) {
  pthread_t started[2];
  uint64_t before = wallNanoseconds();
  for (int i = 0; i < threads; i++) {
    jobs[i].bytes = PAGE;
    jobs[i].times = times;
    pthread_create(&started[i], NULL, run, &jobs[i]);
  }
  for (int i = 0; i < threads; i++) pthread_join(started[i], NULL);
  return wallNanoseconds() - before;
}

int main(void) {
  static Job jobs[2], decrypt;
  jobs[0].context = keyed(1);
  jobs[1].context = keyed(1);
  decrypt.context = keyed(0);
  for (int i = 0; i < PAGE; i++) from[i] = (uint8_t)(i * 167 + (i >> 4) * 59 + 13);
  char name[32];
  unsigned long times;
  while (scanf("%31s %lu", name, &times) == 2) {
    if (strncmp(name, "threads-", 8) == 0) {
      uint64_t spent = together(jobs, name[8] - '0', times);
      printf("%lu %016lx\n", (unsigned long)spent, (unsigned long)digest(jobs[0].to, PAGE));
    } else {
      Job *job = strstr(name, "decrypt") ? &decrypt : &jobs[0];
      job->bytes = strncmp(name, "page", 4) == 0 ? PAGE : LINE;
      job->times = times;
      uint64_t before = nanoseconds();
      run(job);
      uint64_t after = nanoseconds();
      printf("%lu %016lx\n", (unsigned long)(after - before), (unsigned long)digest(job->to, (size_t)job->bytes));
    }
    fflush(stdout);
  }
}
