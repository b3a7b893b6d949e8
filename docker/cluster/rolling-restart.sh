#!/bin/sh
# Restarts the nodes one after the other, each when the one before is healthy again. Clients notice only the end of long sessions.
#   ENGINE  docker (default) or podman
set -eu
cd "$(dirname "$0")"
engine=${ENGINE:-docker}
nodes=$("$engine" ps -q --filter label=com.docker.compose.service=sealpost --filter label=com.docker.compose.project="${COMPOSE_PROJECT_NAME:-cluster}")
[ -n "$nodes" ] || { echo "no node runs" >&2; exit 1; }
for node in $nodes; do
  # SIGTERM, and time for drain.delay and drain.timeout.
  "$engine" restart -t 35 "$node" >/dev/null
  until [ "$("$engine" inspect --format '{{.State.Health.Status}}' "$node")" = healthy ]; do sleep 1; done
  echo "restarted $node"
done
