#!/bin/sh
# sealpost audit --protocol nntp --form implicit -- sh examples/audit/slrnpull.sh
# slrnpull fetches news with the code of slrn. Neither supports STARTTLS, and neither has an option to verify certificates.
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'slrnpull does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/out.going"
printf 'default 0 0\nlab.general\n' > "$folder/slrnpull.conf"
HOME="$folder" SSL_CERT_FILE="$AUDIT_CA_FILE" slrnpull -d "$folder" -h "snews://$AUDIT_HOST:$AUDIT_PORT"
