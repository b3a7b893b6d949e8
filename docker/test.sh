#!/usr/bin/env bash
# Builds the image and tests everything in docs/docker.md, with docker or podman.
#   GLOBAL_FLAGS  options of the engine before its command
#   BUILD_FLAGS   options for builds
#   RUN_FLAGS     options for `run`
#   BASE_IMAGE    replaces the base image of docker/Dockerfile
#   SHORT         if set, leaves out the image in the place of Mailpit and the recipe for Kubernetes
# Tests docker/compose.yaml with every compose program that is installed (test-compose.sh).
# Installs the packed package in a container of the base image (test-tarball.sh).
# Starts the image with Testcontainers, which npm installs (test-testcontainers.sh).
# Starts the objects of the recipe for Kubernetes with podman (test-kubernetes.sh).
set -euo pipefail
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
cd "$(dirname "$0")/.."

engine=$(command -v "${ENGINE:-docker}" || command -v podman || true)
[ -n "$engine" ] || { echo "docker/test.sh: neither docker nor podman is installed" >&2; exit 1; }
read -ra global <<<"${GLOBAL_FLAGS:-}"
read -ra build_flags <<<"${BUILD_FLAGS:-}"
read -ra run_flags <<<"${RUN_FLAGS:-}"
tag=sealpost-test-$$
image=localhost/$tag
base=${BASE_IMAGE:-$(sed -n 's/^ARG NODE_IMAGE=//p' docker/Dockerfile)}
# Below the ports that the system gives to others.
offset=$((10000 + RANDOM % 13000))
work=$(mktemp -d)

engine() { "$engine" "${global[@]}" "$@"; }
ok() { echo "ok: $*"; }
fail() { echo "FAILED: $*" >&2; engine logs "$tag" 2>&1 | tail -20 >&2 || true; exit 1; }

clean_up() {
  end_testcontainers_service
  end_kubernetes
  compose_down
  engine rm -fv "$tag" >/dev/null 2>&1 || true
  engine volume rm -f "$tag-certs" "$tag-data" >/dev/null 2>&1 || true
  engine rmi -f "$image" "$image-mailpit" "$client_image" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

# build_image ARGUMENT…
build_image() {
  # Only the image format of Docker has health checks.
  if command -v buildah >/dev/null && [[ $engine == *podman ]]; then
    buildah bud --format docker "${build_flags[@]}" "$@" >"$work/build.log" 2>&1
  else
    engine build "${build_flags[@]}" "$@" >"$work/build.log" 2>&1
  fi || { tail -40 "$work/build.log" >&2; exit 1; }
}

# build_target NAME FLAG…: builds the image of the Dockerfile, or one of its targets.
build_target() {
  local arguments=(-f docker/Dockerfile -t "$1")
  shift
  [ -z "${BASE_IMAGE:-}" ] || arguments+=(--build-arg "NODE_IMAGE=$BASE_IMAGE")
  build_image "${arguments[@]}" "$@" .
}

build() {
  build_target "$image"
  ok "built: $(($(engine image inspect --format '{{.Size}}' "$image") / 1000000)) MB, $SECONDS s after the start of the test"
  [ "$(engine image inspect --format '{{index .Config.Labels "org.opencontainers.image.title"}}' "$image")" = Sealpost ] || fail "OCI labels"
}

# start NETWORK FLAG…: starts the lab with its volumes and waits until it is ready.
start() {
  local network=$1 before=$(date +%s%N)
  shift
  engine run -d --name "$tag" "${run_flags[@]}" --network "$network" --read-only \
    -v "$tag-certs:/certs" -v "$tag-data:/data" "$@" "$image" >/dev/null
  for _ in $(seq 300); do
    if engine logs "$tag" 2>/dev/null | grep -x ready >/dev/null; then
      ok "ready $(start_ms) ms after its start on network $network (with the engine: $((($(date +%s%N) - before) / 1000000)) ms)"
      return
    fi
    sleep 0.1
  done
  fail "not ready"
}

# Time from the start of the process to `ready`.
start_ms() {
  local started ready
  started=$(engine inspect --format '{{.State.StartedAt}}' "$tag")
  ready=$(engine logs -t "$tag" 2>/dev/null | sed -n 's/ ready$//p')
  echo $((($(date -d "$ready" +%s%N) - $(date -d "${started% UTC}" +%s%N)) / 1000000))
}

# Stops the container with SIGTERM. It must end with status 0 before the engine kills it after ten seconds.
stop() {
  local before=$(date +%s%N)
  engine stop -t 10 "$tag" >/dev/null
  local ms=$((($(date +%s%N) - before) / 1000000)) status
  status=$(engine inspect --format '{{.State.ExitCode}}' "$tag")
  # A killed one has another status.
  [ "$status" = 0 ] || fail "SIGTERM: exit status $status after $ms ms"
  engine rm -v "$tag" >/dev/null
  ok "SIGTERM stopped it after $ms ms"
}

root_certificate() { engine exec "$tag" sealpost ca export --format pem; }

healthy() {
  if [[ $engine == *podman ]]; then
    engine healthcheck run "$tag" >/dev/null
  else
    for _ in $(seq 60); do
      [ "$(engine inspect --format '{{.State.Health.Status}}' "$tag")" = healthy ] && return 0
      sleep 1
    done
    return 1
  fi
}

# The user of the lab, the first process of the container.
# shellcheck disable=SC2016
user() { engine exec "$tag" sh -c 'while read -r name id _; do [ $name != Uid: ] || echo $id; done </proc/1/status'; }

on_standard_ports() {
  start none --sysctl net.ipv4.ip_unprivileged_port_start=0 --cap-drop all --security-opt no-new-privileges
  [ "$(user)" = 1000 ] || fail "it does not run as the user 1000"
  ok "it runs without capabilities on a read-only root file system"
  healthy || fail "health check: $(engine exec "$tag" sealpost healthcheck 2>&1)"
  engine exec "$tag" sealpost healthcheck --json >"$work/health"
  for port in 25 110 143 119 995 993 563 465 587 8025 8443; do
    grep -q "\"port\":$port," "$work/health" || fail "no greeting on port $port"
  done
  ok "healthy: every standard port sends a greeting, TLS is verified"
  over_http
  root_certificate >"$work/first.pem"
  grep -q 'BEGIN CERTIFICATE' "$work/first.pem" || fail "ca export wrote no certificate"
  engine run --rm --network none "${run_flags[@]}" --user root -v "$tag-certs:/certs:ro" --entrypoint sealpost "$image" \
    ca export --format pem >"$work/handed.pem" || fail "another container cannot export the root certificate"
  cmp -s "$work/first.pem" "$work/handed.pem" || fail "another container exports another root certificate"
  ok "it exports its root certificate, and so does another container with the volume"
  stop
}

mail_in_and_out() {
  start host -e SEALPOST_PORT_OFFSET=$offset -e SEALPOST_ADDRESS=127.0.0.1
  root_certificate >"$work/root.pem"
  cmp -s "$work/first.pem" "$work/root.pem" || fail "the new container has another root certificate"
  ok "the certificates are the same in a new container"
  printf 'From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: In and out\r\n\r\nIt works.\r\n' >"$work/mail"
  curl -sS --max-time 20 --cacert "$work/root.pem" --ssl-reqd "smtp://localhost:$((25 + offset))" \
    --mail-from bob@lab.test --mail-rcpt alice@lab.test -T "$work/mail" || fail "SMTP with STARTTLS"
  curl -sS --max-time 20 --cacert "$work/root.pem" --ssl-reqd -u bob:secret "smtps://localhost:$((465 + offset))" \
    --mail-from bob@lab.test --mail-rcpt alice@lab.test -T "$work/mail" || fail "submission over TLS"
  read_mail imaps $((993 + offset)) '/INBOX;MAILINDEX=2' && read_mail pop3s $((995 + offset)) /1
  ok "mail was sent with STARTTLS and submission and read with IMAP and POP3 over TLS"
  ends_with_farewell
  stop
}

# Checks that the API wants credentials, and accepts the token that the lab has printed.
over_http() {
  local token
  token=$(engine logs "$tag" 2>/dev/null | sed -n "s/^ *administrator's token .*: //p")
  [ -n "$token" ] || fail "the lab has printed no token"
  [ "$(http_status "")" = 401 ] || fail "the HTTP API wants no credentials"
  [ "$(http_status "$token")" = 200 ] || fail "the HTTP API refuses the token that the lab has printed"
  ok "the HTTP API takes the token that the lab has printed, and nothing else"
}

# inside CONTAINER COMMAND…: runs a command of this machine in the network of a container, which has no programs.
inside() {
  local as=()
  [ "$(id -u)" = 0 ] || as=(sudo)
  [[ $engine != *podman || $(id -u) = 0 ]] || as=("$engine" unshare)
  "${as[@]}" nsenter --net --target "$(engine inspect --format '{{.State.Pid}}' "$1")" "${@:2}"
}

# http_status TOKEN: the status of a request inside the container.
http_status() {
  inside "$tag" curl -s -o /dev/null -w '%{http_code}' ${1:+-H "Authorization: Bearer $1"} http://127.0.0.1:8025/api/v1/status
}

read_mail() {
  curl -sS --max-time 20 --cacert "$work/root.pem" -u alice:secret "$1://localhost:$2$3" >"$work/read" || fail "$1"
  grep -q 'It works.' "$work/read" || fail "$1 returned another message"
}

# Checks that SIGTERM ends an open session with a farewell.
ends_with_farewell() {
  exec 7<>"/dev/tcp/127.0.0.1/$((25 + offset))"
  head -1 <&7 | grep -q ^220 || fail "no greeting"
  { sleep 0.5; engine kill --signal TERM "$tag" >/dev/null; } &
  timeout 10 cat <&7 | grep ^421 >/dev/null || fail "an open SMTP session did not receive 421"
  wait
  exec 7<&-
  [ "$(engine wait "$tag")" = 0 ] || fail "exit status after SIGTERM"
  engine rm -v "$tag" >/dev/null
  ok "SIGTERM ends open sessions with a farewell"
  start host -e SEALPOST_PORT_OFFSET=$offset -e SEALPOST_ADDRESS=127.0.0.1
  read_mail imaps $((993 + offset)) '/INBOX;MAILINDEX=2'
  ok "the mail is the same in a new container"
}

# Without a mount: the whole configuration is in a variable.
configured_by_variable() {
  local yaml="certificates: memory
store: memory
virtualServers: [{ protocol: smtp, name: Only one, port: $((offset + 1)) }]"
  for value in "$yaml" "$(base64 -w0 <<<"$yaml")"; do
    start host -e SEALPOST_CONFIG="$value"
    engine logs "$tag" 2>&1 | grep 'Only one' >/dev/null || fail "SEALPOST_CONFIG was not read"
    stop
  done
  ok "SEALPOST_CONFIG contains a configuration, as YAML and as base64"
}

# In the place of Mailpit: its flags are the command, and a folder of root is no obstacle.
in_the_place_of_mailpit() {
  build_target "$image-mailpit" --target like-mailpit
  local image=$image-mailpit
  engine run -d --name "$tag" "${run_flags[@]}" --network none --tmpfs /mail:mode=755 \
    -e MP_DATABASE=/mail/mailpit.db "$image" --max 7 >/dev/null
  for _ in $(seq 300); do
    engine logs "$tag" 2>/dev/null | grep -x ready >/dev/null && break
    sleep 0.1
  done
  engine exec "$tag" /mailpit readyz >/dev/null || fail "/mailpit readyz"
  [ "$(user)" = 1000 ] || fail "the image in the place of Mailpit runs as root"
  inside "$tag" curl -sSf http://127.0.0.1:8025/api/v1/info | grep -q '"Database":"lmdb"' ||
    fail "the API of Mailpit is not at the root, or the mail is not on disk"
  stop
  ok "the target like-mailpit answers as Mailpit without credentials, with its flags, variables and health check"
}

. docker/podman-socket.sh
. docker/test-compose.sh
. docker/test-tarball.sh
. docker/test-testcontainers.sh
. docker/test-kubernetes.sh

build
on_standard_ports
mail_in_and_out
configured_by_variable
tarball
[ -n "${SHORT:-}" ] || in_the_place_of_mailpit
compose
[ -n "${SHORT:-}" ] || kubernetes
testcontainers
