#!/bin/sh
# sealpost audit --protocol nntp -- sh examples/audit/slrn.sh
# slrn needs a terminal: `script` gives it one, and the key q ends it.
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'slrn does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'set hostname "lab.test"\nset username "alice"\nset confirm_actions 0\n' > "$folder/.slrnrc"
echo 'lab.general:' > "$folder/newsrc"
(sleep 2; printf q; sleep 1) | HOME="$folder" SSL_CERT_FILE="$AUDIT_CA_FILE" TERM=vt100 LC_ALL=C \
  script -qec "slrn -h snews://$AUDIT_HOST:$AUDIT_PORT -f '$folder/newsrc'" /dev/null
