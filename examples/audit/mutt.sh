#!/bin/sh
# sealpost audit --protocol smtp -- sh examples/audit/mutt.sh
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$AUDIT_FORM" in starttls) scheme=smtp ;; *) scheme=smtps ;; esac
cat > "$folder/rc" <<RC
set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=yes ssl_verify_dates=yes
set certificate_file="$folder/accepted" ssl_ca_certificates_file="$AUDIT_CA_FILE"
set smtp_url="$scheme://$AUDIT_USER@$AUDIT_HOST:$AUDIT_PORT/" smtp_pass="$AUDIT_PASSWORD" from=alice@lab.test copy=no
RC
echo hello | HOME="$folder" mutt -n -F "$folder/rc" -s audit alice@lab.test
