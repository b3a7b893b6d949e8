#!/bin/sh
# sealpost audit --protocol smtp -- sh examples/audit/swaks.sh
set -eu
case "$AUDIT_FORM" in starttls) tls=--tls ;; *) tls=--tls-on-connect ;; esac
exec swaks --server "$AUDIT_ADDRESS" --port "$AUDIT_PORT" --timeout 8 "$tls" \
  --tls-verify --tls-verify-ca --tls-verify-host --tls-verify-target "$AUDIT_HOSTNAME" \
  --tls-ca-path "$AUDIT_CA_FILE" --tls-sni "$AUDIT_HOSTNAME" \
  --from alice@lab.test --to alice@lab.test --auth PLAIN --auth-user "$AUDIT_USER" --auth-password "$AUDIT_PASSWORD"
