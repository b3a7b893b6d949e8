# Sourced by test.sh and cluster/test.sh. It uses their variables `engine`, `global`, `work` and `children`.

# Docker Compose needs the socket of an engine. Podman opens one, and reads options for containers from a file.
podman_socket() {
  local limits
  limits=$(grep -oE -- '--ulimit[ =][^ ]+' <<<"${RUN_FLAGS:-}" | sed -E 's/.*[ =]([^ =]+=[^ ]+)$/"\1"/' | paste -sd, || true)
  printf '[containers]\ndefault_ulimits = [%s]\n' "$limits" >"$work/containers.conf"
  CONTAINERS_CONF_OVERRIDE=$work/containers.conf "$engine" "${global[@]}" system service -t 0 "unix://$work/socket" >"$work/service.log" 2>&1 &
  children+=($!)
  export DOCKER_HOST=unix://$work/socket
  for _ in $(seq 50); do [ ! -S "$work/socket" ] || return 0; sleep 0.1; done
  cat "$work/service.log" >&2
  return 1
}
