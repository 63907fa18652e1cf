#!/bin/bash
# install.sh TARBALL CONSUMER: installs the tarball as a user does, and wants npm silent about install scripts.
set -u
tarball=$1
consumer=$2

mkdir -p "$consumer"
cd "$consumer" || exit 1
echo '{ "name": "consumer", "private": true, "type": "module" }' >package.json
npm install "$tarball" >install.log 2>&1 || {
  cat install.log
  exit 1
}
cat install.log
# npm names `prepare` for a tarball given by file, though it does not run it, and for no package from a registry.
if grep -E '^npm warn install-scripts +[^ ]+@[0-9].*\(' install.log | grep -vE '\(prepare: [^,]*\)$'; then
  echo "install scripts: FAILED"
  exit 1
fi
if grep -E 'EBADENGINE|deprecated|ERESOLVE' install.log; then
  echo "a warning for consumers: FAILED"
  exit 1
fi
npx --no-install cloister version
npx --no-install cloister replay node_modules/cloister/examples/traces/gzip.cltr.gz --limit 100000 \
  --generations none,sev-snp
