#!/bin/sh
# sealpost audit -- sh examples/audit/openssl.sh
# Only a handshake, with the verification that OpenSSL offers.
set -eu
case "$AUDIT_PROTOCOL-$AUDIT_FORM" in
  imap4-starttls) set -- -starttls imap ;;
  *-starttls) set -- -starttls "$AUDIT_PROTOCOL" ;;
  *) set -- ;;
esac
openssl s_client "$@" -connect "$AUDIT_ADDRESS:$AUDIT_PORT" -servername "$AUDIT_HOSTNAME" -verify_hostname "$AUDIT_HOSTNAME" \
  -verify_return_error -CAfile "$AUDIT_CA_FILE" < /dev/null > /dev/null
