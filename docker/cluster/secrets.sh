#!/bin/sh
# Makes the passwords and tokens of compose.yaml, each in a file of docker/cluster/secrets. Keeps those that exist.
set -eu
cd "$(dirname "$0")"
# Containers read the files as other users. On the host only the owner of the folder reaches them.
mkdir -p -m 700 secrets
for name in database-password administrator-token reader-token grafana-password; do
  [ -s "secrets/$name" ] && continue
  head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"secrets/$name"
  chmod 444 "secrets/$name"
done
echo "the token of the administrator: $(cat secrets/administrator-token)"
