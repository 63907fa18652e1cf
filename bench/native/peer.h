// How a native peer talks: a line comes in with a task's name and how often to do it, a line goes out with the nanoseconds it took and
// what came of it. The time is the work's alone.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Of this thread's own processor time.
static inline uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// On the wall, for what several threads do.
static inline uint64_t wallNanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// FNV-1a, as bench/native.ts computes it.
static inline uint64_t digest(const uint8_t *bytes, size_t length) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 0x100000001b3u;
  return sum;
}

static inline _Noreturn void fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}
