#!/bin/sh
# sealpost audit --protocol smtp imap4 -- sh examples/audit/neomutt.sh
# neomutt needs a terminal for IMAP: `script` gives it one. There it asks whether to accept a bad certificate, until the time is up.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_FORM" in starttls) s= ;; *) s=s ;; esac
cat > "$folder/rc" <<RC
set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=yes ssl_verify_dates=yes
set certificate_file="$folder/accepted" ssl_ca_certificates_file="$AUDIT_CA_FILE"
set imap_user="$AUDIT_USER" imap_pass="$AUDIT_PASSWORD" smtp_pass="$AUDIT_PASSWORD"
set from=alice@lab.test mail_check=0 wait_key=no quit=yes delete=no copy=no confirmappend=no confirmcreate=no
RC
if [ "$AUDIT_PROTOCOL" = smtp ]; then
  echo "set smtp_url=smtp$s://$AUDIT_USER@$AUDIT_HOST:$AUDIT_PORT/" >> "$folder/rc"
  echo hello | HOME="$folder" neomutt -n -F "$folder/rc" -s audit alice@lab.test
else
  url="imap$s://$AUDIT_HOST:$AUDIT_PORT/"
  printf 'set folder="%s" spoolfile="%sINBOX"\npush "<tag-pattern>~A<enter><tag-prefix-cond><copy-message>%s/copied<enter><end-cond><exit>"\n' \
    "$url" "$url" "$folder" >> "$folder/rc"
  HOME="$folder" TERM=xterm timeout 5 script -qec "neomutt -n -F '$folder/rc'" /dev/null < /dev/null
  [ -e "$folder/copied" ]
fi
