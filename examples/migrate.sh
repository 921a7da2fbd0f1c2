#!/usr/bin/env bash
# Tries Ottla on the data folder of an Apache Kafka node (KRaft, broker and controller in one, Kafka 4.3), with its own
# server.properties. Stop Kafka first: both lock the folder, and neither starts while the other runs.
#
#     migrate.sh server.properties [GROUP...]
#
# Ottla serves the folder as long as this runs: its topics, records, configs and groups. Then stop it, and Kafka goes on where
# Ottla stopped: nothing is converted. The first try is best made on a copy of the folder.
set -euo pipefail
properties=$1
shift

# To which cluster the folder belongs, and as which node.
ottla storage info --config "$properties"

# What the file sets that Ottla can't do is a warning, or, where a node would be open or alone without it, an error.
address=$(mktemp)
ottla start --config "$properties" --log-level warn >"$address" &
broker=$!
trap 'kill "$broker" && wait "$broker"; rm "$address"' EXIT
until [ -s "$address" ]; do kill -0 "$broker" && sleep 0.1; done
OTTLA_BOOTSTRAP_SERVER=$(cat "$address")
export OTTLA_BOOTSTRAP_SERVER

ottla topic list
ottla group list
for group in "$@"; do ottla group describe "$group"; done

if [ -t 0 ]; then
  read -r -p "serving on $OTTLA_BOOTSTRAP_SERVER; Enter stops it "
fi
