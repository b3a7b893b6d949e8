#!/bin/sh
# sealpost audit --protocol nntp -- sh examples/audit/suck.sh
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'suck does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'lab.general 0' > "$folder/sucknewsrc"
cd "$folder"
# Status 1 means that suck found no new articles.
status=0
HOME="$folder" SSL_CERT_FILE="$AUDIT_CA_FILE" suck "$AUDIT_HOST:$AUDIT_PORT" -ssl -m -dm "$folder" -dt "$folder" \
  -dd "$folder" -U "$AUDIT_USER" -P "$AUDIT_PASSWORD" || status=$?
[ "$status" -le 1 ]
