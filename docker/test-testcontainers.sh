# Sourced by test.sh. Starts the image with `sealpost/testcontainers` and the real package, which npm installs.

testcontainers_service=

testcontainers() {
  local home=$work/testcontainers socket=$work/engine.sock
  mkdir "$home"
  [ -e dist/cjs/testcontainers.cjs ] || npm run build >"$work/build.log" 2>&1 || fail "npm run build: $(tail -5 "$work/build.log")"
  npm pack --ignore-scripts --silent --pack-destination "$home" >/dev/null
  cp docker/test-testcontainers.mjs "$home"
  (cd "$home" && npm install --ignore-scripts --no-audit --no-fund --silent ./sealpost-*.tgz nodemailer testcontainers@12) ||
    fail "npm cannot install testcontainers"
  if [[ $engine == *podman ]]; then
    "$engine" "${global[@]}" system service --time 0 "unix://$socket" >"$work/service.log" 2>&1 &
    testcontainers_service=$!
    export DOCKER_HOST=unix://$socket
    for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.1; done
  fi
  # Ryuk, which removes what a crash leaves behind, is another image.
  (cd "$home" && TESTCONTAINERS_RYUK_DISABLED=true npx --yes --package node@24 node test-testcontainers.mjs "$image") ||
    fail "Testcontainers"
  end_testcontainers_service
  ok "Testcontainers starts the image, sends mail with verified TLS and reads it"
}

end_testcontainers_service() {
  [ -z "$testcontainers_service" ] || kill "$testcontainers_service" 2>/dev/null || true
  testcontainers_service=
  unset DOCKER_HOST
}
