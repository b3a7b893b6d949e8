#!/bin/sh
# sealpost audit -- sh examples/audit/curl.sh
# curl does not support NNTP. `--resolve` maps the host names to this machine, whether or not the system resolves them.
set -eu
case "$AUDIT_PROTOCOL-$AUDIT_FORM" in
  smtp-starttls) scheme=smtp ;;  smtp-implicit) scheme=smtps ;;
  pop3-starttls) scheme=pop3 ;;  pop3-implicit) scheme=pop3s ;;
  imap4-starttls) scheme=imap ;; imap4-implicit) scheme=imaps ;;
  *) echo 'curl does not support this protocol'; exit 2 ;;
esac
url="$scheme://$AUDIT_HOSTNAME:$AUDIT_PORT/"
set -- --silent --show-error --max-time 8 --ssl-reqd --cacert "$AUDIT_CA_FILE" --user "$AUDIT_USER:$AUDIT_PASSWORD" \
  --resolve "$AUDIT_HOSTNAME:$AUDIT_PORT:$AUDIT_ADDRESS"
if [ "$AUDIT_PROTOCOL" = smtp ]; then
  printf 'Subject: audit\r\n\r\nhello\r\n' |
    curl "$@" --mail-from alice@lab.test --mail-rcpt alice@lab.test --upload-file - "$url"
else
  curl "$@" "$url"
fi
