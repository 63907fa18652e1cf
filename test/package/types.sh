#!/bin/bash
# types.sh CONSUMER: type-checks user code against the package installed in CONSUMER, library checks on.
set -u
here=$(cd "$(dirname "$0")" && pwd)
consumer=$1
tsc=$here/../../node_modules/.bin/tsc
strict="--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2022"
failed=0

# check NAME FILE OPTION...: one program, one set of compiler options.
check() {
  local name=$1 file=$2
  shift 2
  # shellcheck disable=SC2086
  if (cd "$consumer" && "$tsc" $strict "$@" "$file"); then
    echo "types: $name: ok"
  else
    echo "types: $name: FAILED"
    failed=1
  fi
}

# Every other entry of the export map, imported whole.
write_entries() {
  node -e '
    const { exports } = JSON.parse(require("fs").readFileSync("node_modules/cloister/package.json"));
    const entries = Object.keys(exports).filter((key) => exports[key].types);
    for (const [i, key] of entries.entries())
      console.log(`export * as entry${i} from "cloister${key.slice(1)}";`);
  ' >entries.ts
}

cp "$here"/consumer.ts "$here"/consumer-dom.ts "$consumer"/
(cd "$consumer" && write_entries) || failed=1
bare="--lib es2022 --types"
for resolution in "--module nodenext --moduleResolution nodenext" \
  "--module esnext --moduleResolution bundler"; do
  # shellcheck disable=SC2086
  check "no DOM, no @types/node, $resolution" consumer.ts $resolution $bare ""
  # shellcheck disable=SC2086
  check "a page, $resolution" consumer-dom.ts $resolution --lib es2022,dom --types ""
  # shellcheck disable=SC2086
  check "every entry, $resolution" entries.ts $resolution --lib es2022,dom --types ""
done
exit $failed
