#!/bin/sh
# sealpost audit --form implicit -- sh examples/audit/nss.sh
# Only a handshake, by NSS, with the versions that Thunderbird allows. tstclnt does not support STARTTLS.
set -eu
[ "$AUDIT_FORM" = implicit ] || { echo 'tstclnt does not support STARTTLS' >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
certutil -d "sql:$folder" -N --empty-password
certutil -d "sql:$folder" -A -n lab -t C,, -i "$AUDIT_CA_FILE"
tstclnt -d "sql:$folder" -h "$AUDIT_HOST" -a "$AUDIT_HOST" -p "$AUDIT_PORT" -V tls1.2:tls1.3 -Q < /dev/null
