#!/bin/sh
# sealpost audit --protocol smtp -- sh examples/audit/msmtp.sh
set -eu
case "$AUDIT_FORM" in starttls) starttls=on ;; *) starttls=off ;; esac
printf 'Subject: audit\n\nhello\n' | msmtp -C /dev/null --host="$AUDIT_HOST" --port="$AUDIT_PORT" --timeout=8 \
  --tls=on --tls-starttls="$starttls" --tls-trust-file="$AUDIT_CA_FILE" \
  --auth=plain --user="$AUDIT_USER" --passwordeval="echo $AUDIT_PASSWORD" --from=alice@lab.test -- alice@lab.test
