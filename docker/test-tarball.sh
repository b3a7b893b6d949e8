# Sourced by test.sh. Installs the packed package in an empty project in a container of the base image: it must start,
# receive a mail and show it. The image of Docker has all packages already, so this finds those that are missing.

tarball() {
  local home=$work/tarball port=$((2500 + offset))
  mkdir "$home"
  [ -e dist/src/cli/main.js ] || npm run build >"$work/build.log" 2>&1 || fail "npm run build: $(tail -5 "$work/build.log")"
  npm pack --ignore-scripts --silent --pack-destination "$home" >/dev/null
  printf '{ "name": "empty", "private": true }\n' >"$home/package.json"
  printf 'certificates: memory\ndirectory: { unknown: capture }\nvirtualServers: [{ protocol: smtp, port: %s }]\n' "$port" >"$home/lab.yaml"
  engine run -d --name "$tag" "${run_flags[@]}" --network host -v "$home:/project" -w /project --entrypoint sh "$base" \
    -c 'npm install --no-audit --no-fund --silent ./sealpost-*.tgz && exec npx --no sealpost start --config lab.yaml' >/dev/null
  for _ in $(seq 1200); do
    ! engine logs "$tag" 2>/dev/null | grep -x ready >/dev/null || break
    [ "$(engine inspect --format '{{.State.Running}}' "$tag")" = true ] || fail "the tarball does not start"
    sleep 0.1
  done
  printf 'From: bob@lab.test\r\nTo: anyone@lab.test\r\nSubject: Tarball\r\n\r\nIt works.\r\n' >"$work/mail"
  curl -sS --max-time 20 "smtp://127.0.0.1:$port" --mail-from bob@lab.test --mail-rcpt anyone@lab.test -T "$work/mail" ||
    fail "the installed tarball takes no mail"
  engine exec -w /project "$tag" npx --no sealpost mail list --config lab.yaml >"$work/list" || fail "mail list"
  grep -q Tarball "$work/list" || fail "the installed tarball shows no mail: $(cat "$work/list")"
  engine rm -fv "$tag" >/dev/null
  ok "the packed tarball, installed in an empty container, receives a mail and shows it"
}
