#!/bin/sh
# The entry point of the images that take the place of another tool: its subcommands, or else its flags.
set -e
case ${1:-} in
  readyz | healthcheck) exec sealpost healthcheck ;;
  sendmail) exec sealpost "$@" ;;
  version | --version | -version) exec sealpost --version ;;
esac
set -- sealpost start -- "$@"
[ "$(id -u)" = 0 ] || exec "$@"

# The folder of the database may belong to root. The lab runs as node, unless the container may not change users.
if [ -n "${MP_DATABASE:-}" ]; then
  store=$MP_DATABASE
  if [ -d "$store" ]; then store=${store%/}/mailpit.db; fi
  mkdir -p "$store.lmdb"
  chown -R node:node "$store.lmdb" || true
fi
if setpriv --reuid=node --regid=node --clear-groups true 2>/dev/null; then
  set -- setpriv --reuid=node --regid=node --clear-groups "$@"
fi
exec "$@"
