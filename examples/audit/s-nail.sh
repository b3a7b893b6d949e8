#!/bin/sh
# sealpost audit --protocol smtp -- sh examples/audit/s-nail.sh
set -eu
case "$AUDIT_FORM" in starttls) scheme=smtp; starttls=set ;; *) scheme=smtps; starttls=unset ;; esac
echo hello | s-nail -:/ -S v15-compat -S mta="$scheme://$AUDIT_USER:$AUDIT_PASSWORD@$AUDIT_HOST:$AUDIT_PORT" \
  -X "$starttls smtp-use-starttls" -S smtp-auth=plain -S tls-verify=strict -S tls-ca-file="$AUDIT_CA_FILE" \
  -S tls-ca-no-defaults -S sendwait -S from=alice@lab.test -s audit alice@lab.test
