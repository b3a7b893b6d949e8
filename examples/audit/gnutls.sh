#!/bin/sh
# sealpost audit -- sh examples/audit/gnutls.sh
# Only a handshake, with the verification that GnuTLS offers.
set -eu
case "$AUDIT_PROTOCOL-$AUDIT_FORM" in
  imap4-starttls) set -- --starttls-proto=imap ;;
  *-starttls) set -- --starttls-proto="$AUDIT_PROTOCOL" ;;
  *) set -- ;;
esac
gnutls-cli "$@" --port="$AUDIT_PORT" --x509cafile="$AUDIT_CA_FILE" --sni-hostname="$AUDIT_HOSTNAME" \
  --verify-hostname="$AUDIT_HOSTNAME" "$AUDIT_ADDRESS" < /dev/null > /dev/null
