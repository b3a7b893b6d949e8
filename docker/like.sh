#!/bin/sh
# The entry point of the images that take the place of another tool: its subcommands, or else its flags.
set -e

# Runs a command as node. Some tools run as root, so that the folder of their database may belong to root.
as_node() {
  if [ "$(id -u)" = 0 ] && setpriv --reuid=node --regid=node --clear-groups id >/dev/null 2>&1; then
    exec setpriv --reuid=node --regid=node --clear-groups "$@"
  fi
  exec "$@"
}

case ${1:-} in
  readyz | healthcheck) as_node sealpost healthcheck ;;
  sendmail) as_node sealpost "$@" ;;
  version | --version | -version) as_node sealpost --version ;;
esac

if [ "$(id -u)" = 0 ] && [ -n "${MP_DATABASE:-}" ]; then
  store=$MP_DATABASE
  if [ -d "$store" ]; then store=${store%/}/mailpit.db; fi
  install -d -m 700 -o node -g node "$store.lmdb" || true
fi
as_node sealpost start -- "$@"
