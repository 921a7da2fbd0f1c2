#!/usr/bin/env bash
# Topics, records and groups with the `ottla` command. It starts a broker of its own: in memory, on a free port. Against a
# Kafka that is there already, set OTTLA_BOOTSTRAP_SERVER to its address instead.
set -euo pipefail

if [ -z "${OTTLA_BOOTSTRAP_SERVER:-}" ]; then
  address=$(mktemp)
  ottla start --port 0 --memory --log-level warn >"$address" & # the address is all that goes to stdout, once it serves
  broker=$!
  trap 'kill "$broker"; rm "$address"' EXIT
  until [ -s "$address" ]; do kill -0 "$broker" && sleep 0.1; done
  OTTLA_BOOTSTRAP_SERVER=$(cat "$address")
  export OTTLA_BOOTSTRAP_SERVER
fi

ottla topic create orders -p 3 -c retention.ms=3600000

# A line, a record: with -k what is before the separator is the key.
printf '%s\n' 'ada:book' 'bob:pen' 'ada:lamp' | ottla produce orders -k : -H source=shop -z zstd

# All that is there now, as JSON, one record a line: for jq, or for `ottla produce --json`.
ottla consume orders --exit-at-end --json

# In a group, which remembers how far it got.
ottla consume orders -g billing -n 2 --print-key
ottla group describe billing

# Once more from the beginning. Without --execute it only shows what would be done.
ottla group reset-offsets billing -t orders --to-earliest --execute
ottla group describe billing --json

ottla config alter --topic orders --set retention.ms=60000 --set max.message.bytes=65536
ottla topic describe orders
ottla topic delete orders
