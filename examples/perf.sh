#!/usr/bin/env bash
# How many records a second a Kafka takes and gives here, and how long they take at a steady rate.
#
#     perf.sh [BROKER] [RECORDS]
#
# The summary is JSON: keep it, and compare it with the next one.
set -euo pipefail
export OTTLA_BOOTSTRAP_SERVER=${1:-127.0.0.1:9092}
records=${2:-1000000}
topic=perf-$$

ottla topic create "$topic" -p 6 >&2
trap 'ottla topic delete "$topic" >&2' EXIT
ottla perf produce "$topic" -n "$records" -s 100 --json
ottla perf produce "$topic" -n "$records" -s 100 -z lz4 --json
ottla perf consume "$topic" -n $((2 * records)) --json
ottla perf produce "$topic" -n $((records / 100)) -s 100 --rate 2000 --linger 0 --json
