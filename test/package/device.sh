#!/bin/bash
# device.sh CONSUMER: responder and requester in one program, in Deno and Bun, as runtimes.sh has installed them.
set -u
tools=$1/../tools/node_modules
failed=0

# visit NAME COMMAND...: the program brings its interface to RUN.
visit() {
  local name=$1 output
  shift
  output=$(timeout 120 "$@" 2>&1)
  if [ "$(tail -1 <<<"$output")" = RUN ]; then
    echo "device: $name: RUN"
  else
    echo "device: $name: FAILED"
    tail -20 <<<"$output"
    failed=1
  fi
}

visit Deno "$tools/@deno/linux-x64-glibc/deno" run --no-prompt --allow-read test/device/visit.mjs
visit Bun "$tools/@oven/bun-linux-x64/bin/bun" run test/device/visit.mjs
exit $failed
