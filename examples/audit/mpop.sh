#!/bin/sh
# sealpost audit --protocol pop3 -- sh examples/audit/mpop.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_FORM" in starttls) starttls=on ;; *) starttls=off ;; esac
mpop -C /dev/null --host="$AUDIT_HOST" --port="$AUDIT_PORT" --timeout=8 \
  --tls=on --tls-starttls="$starttls" --tls-trust-file="$AUDIT_CA_FILE" \
  --auth=user --user="$AUDIT_USER" --passwordeval="echo $AUDIT_PASSWORD" \
  --uidls-file="$folder/uidls" --delivery=mbox,"$folder/mbox"
