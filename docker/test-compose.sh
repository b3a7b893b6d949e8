# The part of test.sh that tests docker/compose.yaml. It uses the variables and functions of test.sh.
client_image=localhost/$tag-client
children=()

compose() {
  local docker_compose=(docker-compose) tried=0 why
  docker compose version >/dev/null 2>&1 && docker_compose=(docker compose)
  if ! why=$(engine run --rm "${run_flags[@]}" --network bridge "$image" --version 2>&1); then
    echo "skipped: compose.yaml, because the engine cannot create a network: $why"
    return
  fi
  compose_file
  if [[ $engine == *podman ]] && command -v podman-compose >/dev/null; then
    with_compose "${tag}_sealpost_1" podman-compose --no-ansi --podman-args="${GLOBAL_FLAGS:-}" --podman-run-args="${RUN_FLAGS:-}"
    tried=1
  fi
  if command -v "${docker_compose[0]}" >/dev/null; then
    [[ $engine != *podman ]] || podman_socket || fail "podman does not open a socket"
    with_compose "$tag-sealpost-1" "${docker_compose[@]}"
    tried=1
  fi
  [ $tried = 1 ] || echo "skipped: compose.yaml, because no compose program is installed"
}

# Copies the compose file, with images that are built already and with ports of the host that the system gives to nobody else.
compose_file() {
  local port
  if timeout 60 "$engine" "${global[@]}" pull -q docker.io/curlimages/curl >/dev/null 2>&1; then
    engine tag docker.io/curlimages/curl "$client_image"
  else
    printf 'FROM %s\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends curl\n' "$base" >"$work/client"
    build_image -f "$work/client" -t "$client_image" "$work"
  fi
  sed -E -e '/^    build:/d' \
    -e "s|image: sealpost$|image: $image|" -e "s|image: docker.io/curlimages/curl$|image: $client_image|" \
    docker/compose.yaml >"$work/compose.yaml"
  for port in $(grep -oP '127\.0\.0\.1:\K[0-9]+(?=:)' "$work/compose.yaml"); do
    sed -i "s/127\.0\.0\.1:$port:/127.0.0.1:$((offset + port)):/" "$work/compose.yaml"
  done
  [ "$(grep -c "image: $image" "$work/compose.yaml")" = 2 ] || fail "docker/compose.yaml has images that the test does not expect"
}

# with_compose CONTAINER PROGRAM FLAG…: starts the lab, waits until the client has sent and read a mail, and stops both.
with_compose() {
  local container=$1 name=$2
  shift
  down=("$@" -p "$tag" -f "$work/compose.yaml" down -v)
  run_health_checks "$container"
  timeout 180 "$@" -p "$tag" -f "$work/compose.yaml" up --no-build --exit-code-from client >"$work/compose.log" 2>&1 &&
    grep -q 'It works\.' "$work/compose.log" || { tail -40 "$work/compose.log" >&2; fail "compose.yaml with $name"; }
  compose_down
  ok "compose.yaml with $name: the client sends and reads a mail and verifies TLS with the downloaded root"
}

# Stops what with_compose started.
compose_down() {
  [ ${#down[@]} = 0 ] || "${down[@]}" >/dev/null 2>&1 || true
  [ ${#children[@]} = 0 ] || kill "${children[@]}" 2>/dev/null || true
  down=() children=()
}
down=()

# Without systemd, podman does not run health checks by itself.
run_health_checks() {
  [[ $engine == *podman ]] && [ ! -d /run/systemd/system ] || return 0
  while sleep 1; do engine healthcheck run "$1" || true; done >/dev/null 2>&1 &
  children+=($!)
}
