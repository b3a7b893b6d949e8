#!/bin/sh
# sealpost audit --protocol nntp -- sh examples/audit/tin.sh
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'tin does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/.tin"
echo 'lab.general:' > "$folder/.newsrc"
printf 'tls_ca_cert_file=%s\nmailer_format=true\n' "$AUDIT_CA_FILE" > "$folder/.tin/tinrc"
HOME="$folder" TERM=dumb LC_ALL=C tin -T -g "$AUDIT_HOST" -p "$AUDIT_PORT" -S -v -s "$folder/News"
