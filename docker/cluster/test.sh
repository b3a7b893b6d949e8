#!/usr/bin/env bash
# Starts compose.yaml with an image of Sealpost, sends and reads mail through HAProxy, kills a node, restarts all of them one
# after the other, and asks Prometheus. Needs docker or podman, docker-compose, curl and jq.
#   IMAGE         the image of Sealpost. Default: sealpost, which `docker build -f docker/Dockerfile -t sealpost .` makes
#   GLOBAL_FLAGS  options of the engine before its command
#   BUILD_FLAGS   options for builds
#   RUN_FLAGS     options for `run`, of which the engine's limits are taken
#   DEBIAN_IMAGE  if set, the images of PostgreSQL, HAProxy and Prometheus are made from the packages of this Debian 13, for
#                 machines without a registry. There is no such package of Grafana, which is left out then.
set -euo pipefail
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
cd "$(dirname "$0")"

engine=$(command -v "${ENGINE:-docker}" || command -v podman || true)
[ -n "$engine" ] || { echo "docker/cluster/test.sh: neither docker nor podman is installed" >&2; exit 1; }
read -ra global <<<"${GLOBAL_FLAGS:-}"
read -ra build_flags <<<"${BUILD_FLAGS:-}"
project=sealpost-cluster-test-$$
work=$(mktemp -d)
children=()

engine() { "$engine" "${global[@]}" "$@"; }
compose() { docker-compose -p "$project" -f "$work/compose.yaml" "$@"; }
node() { echo "$project-sealpost-$1"; }
ok() { echo "ok: $*"; }
fail() {
  echo "FAILED: $*" >&2
  compose ps -a >&2 || true
  compose logs --tail 15 >&2 || true
  exit 1
}

clean_up() {
  compose down -v -t 1 >/dev/null 2>&1 || true
  [ ${#children[@]} = 0 ] || kill "${children[@]}" 2>/dev/null || true
  [ -z "${DEBIAN_IMAGE:-}" ] || engine rmi -f "$project-postgres" "$project-haproxy" "$project-prometheus" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
. ../podman-socket.sh

# debian_image NAME PACKAGES INSTRUCTIONS: makes an image that starts its program as the public image does.
debian_image() {
  printf 'FROM %s\nUSER root\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends %s && rm -rf /var/lib/apt/lists/*\n%s\n' \
    "$DEBIAN_IMAGE" "$2" "$3" >"$work/$1.dockerfile"
  if command -v buildah >/dev/null && [[ $engine == *podman ]]; then
    buildah bud "${build_flags[@]}" -f "$work/$1.dockerfile" -t "localhost/$project-$1" "$work" >"$work/build.log" 2>&1
  else
    engine build "${build_flags[@]}" -f "$work/$1.dockerfile" -t "localhost/$project-$1" "$work" >"$work/build.log" 2>&1
  fi || { tail -20 "$work/build.log" >&2; fail "the image of $1 cannot be made"; }
}

debian_images() {
  # Makes the database at the first start, as https://hub.docker.com/_/postgres describes.
  cat >"$work/postgres.sh" <<'SH'
#!/bin/sh
set -e
export PGDATA=/var/lib/postgresql/data PATH=/usr/lib/postgresql/17/bin:$PATH
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA" /var/run/postgresql && chown postgres "$PGDATA" /var/run/postgresql
  as_postgres initdb --encoding UTF8 --locale C.UTF-8 -U "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth-host scram-sha-256 --auth-local trust >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -w -o '-c listen_addresses=' start >/dev/null
  createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
  as_postgres pg_ctl -w stop >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --init-groups "$@" -c listen_addresses=*
SH
  chmod 755 "$work/postgres.sh"
  debian_image postgres postgresql-17 'COPY postgres.sh /
ENV PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin
ENTRYPOINT ["/postgres.sh"]'
  debian_image haproxy haproxy 'USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]'
  debian_image prometheus prometheus 'RUN mkdir /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]'
}

# Copies the folder, with images that are there already and free ports of the host.
copy_files() {
  cp -r . "$work/cluster"
  "$work/cluster/secrets.sh" >/dev/null
  local edits=(-e '/^    build:/d' -e 's/127\.0\.0\.1:[0-9]+:/127.0.0.1::/' -e "s|image: sealpost$|image: ${IMAGE:-sealpost}|"
    -e "s|\"\./|\"$work/cluster/|" -e "s|file: secrets/|file: $work/cluster/secrets/|" -e "s|\"\.\./\.\./|\"$(cd ../.. && pwd)/|"
    -e '/^  prometheus:/a\    ports: ["127.0.0.1::9090"]')
  if [ -n "${DEBIAN_IMAGE:-}" ]; then
    debian_images
    edits+=(-e "s#image: docker.io/(library|prom)/([a-z]+):.*#image: localhost/$project-\2#" -e '/^  grafana:/,/^$/d')
  fi
  sed -E "${edits[@]}" compose.yaml >"$work/compose.yaml"
}

# Opens podman's socket. Without systemd, podman does not run health checks by itself.
podman_service() {
  podman_socket || fail 'podman does not open a socket'
  [ -d /run/systemd/system ] && return
  while sleep 1; do
    for one in postgres-1 sealpost-1 sealpost-2 sealpost-3; do engine healthcheck run "$project-$one" || true; done
  done >/dev/null 2>&1 &
  children+=($!)
}

# until_true SECONDS WHAT COMMAND…
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "$what"
    sleep 1
  done
}

port() { compose port haproxy "$1" | sed 's/.*://'; }
in_node() { engine exec "$(node 1)" "$@"; }
status() { in_node sealpost cluster status --config /lab/lab.yaml --json; }
has_ready_nodes() { [ "$(status | jq '[.nodes[] | select(.state == "ready")] | length')" = "$1" ]; }

# send NUMBER: sends a message through HAProxy, with verified TLS. Fails if it is not accepted.
send() {
  printf 'From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: Message %s\r\n\r\nIt works.\r\n' "$1" >"$work/mail"
  curl -sS --max-time 20 --cacert "$work/ca.pem" --ssl-reqd --user bob:secret "smtp://localhost:$(port 587)" \
    --mail-from bob@lab.test --mail-rcpt alice@lab.test -T "$work/mail"
}

# Prints the number of messages in the mailbox, over IMAP4 with TLS through HAProxy.
count() {
  curl -sS --max-time 20 --cacert "$work/ca.pem" --user alice:secret "imaps://localhost:$(port 993)" \
    -X 'STATUS INBOX (MESSAGES)' | sed -n 's/.*MESSAGES \([0-9]*\).*/\1/p'
}

copy_files
[[ $engine != *podman ]] || podman_service
compose up -d --no-build >"$work/up.log" 2>&1 || { tail -20 "$work/up.log" >&2; fail "compose up"; }
until_true 120 'three nodes are not ready' has_ready_nodes 3
ok "compose.yaml starts PostgreSQL, three nodes that are ready, and HAProxy"

in_node sealpost ca export --config /lab/lab.yaml >"$work/ca.pem"
until_true 30 'HAProxy finds no node' send 1
[ "$(count)" = 1 ] || fail "the mailbox has $(count) messages"
ok "mail is sent with STARTTLS and read with IMAP over TLS through HAProxy"
remote=$(in_node sealpost sessions --config /lab/lab.yaml --json | jq -rs 'map(select(.user == "bob")) | last | .remoteAddress')
[ "$remote" != null ] && [ "$remote" != "$(engine inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$project-haproxy-1" | tr ' ' '\n' | grep '^172\.31\.251\.')" ] ||
  fail "the session has the address of HAProxy: $remote"
ok "sessions show the address of the client ($remote), which HAProxy names"

engine kill -s KILL "$(node 2)" >/dev/null
sent=1
for i in $(seq 2 11); do send "$i" 2>/dev/null && sent=$((sent + 1)); done
[ $sent -ge 10 ] || fail "after a node was killed, only $((sent - 1)) of 10 messages were accepted"
[ "$(count)" -ge $sent ] || fail "$sent messages were accepted, and $(count) are there"
ok "after a node was killed, $((sent - 1)) of 10 messages were accepted, and none is lost"
engine start "$(node 2)" >/dev/null
until_true 120 'the killed node does not come back' has_ready_nodes 3

mkdir "$work/bin"
printf '#!/bin/sh\nexec %s %s "$@"\n' "$engine" "${global[*]}" >"$work/bin/engine" && chmod 755 "$work/bin/engine"
before=$(count)
COMPOSE_PROJECT_NAME=$project ENGINE=$work/bin/engine "$work/cluster/rolling-restart.sh" >"$work/restart.log" 2>&1 &
restart=$!
sent=0
while kill -0 $restart 2>/dev/null; do
  send "$sent" || fail "a message was refused while the nodes restarted"
  sent=$((sent + 1))
done
wait $restart || { cat "$work/restart.log" >&2; fail "rolling-restart.sh"; }
[ "$(count)" = $((before + sent)) ] || fail "$((before + sent)) messages were accepted, and $(count) are there"
ok "all nodes were restarted one after the other; meanwhile $sent messages were accepted, none refused and none lost"

healthy_targets() {
  curl -sSf "http://$(compose port prometheus 9090)/api/v1/targets" | jq '[.data.activeTargets[] | select(.health == "up")] | length'
}
has_targets() { [ "$(healthy_targets)" = 4 ]; }
until_true 60 'Prometheus does not reach the nodes and HAProxy' has_targets
ok "Prometheus reads the metrics of three nodes and of HAProxy"
[ -n "${DEBIAN_IMAGE:-}" ] || { until_true 60 'Grafana does not answer' curl -sSf "http://$(compose port grafana 3000)/api/health"; ok "Grafana answers"; }
