# Sourced by test.sh. Starts the objects of docs/recipes/kubernetes.md with `podman kube play`, without a cluster.

kubernetes() {
  local manifest=$work/kubernetes.yaml pod=$tag-pod-$tag path
  [[ $engine == *podman ]] && command -v catatonit >/dev/null ||
    { echo "skipped: the recipe for Kubernetes, because podman or catatonit is not installed"; return; }
  # Names of its own, and the image that was built.
  sed -n '/^```yaml/,/^```$/p' docs/recipes/kubernetes.md | sed -e '/^```/d' -e "s|\bsealpost\b|$tag|g" \
    -e "s|^\( *\)image: .*|\1image: $image\n\1imagePullPolicy: Never|" >"$manifest"
  grep -q "image: $image" "$manifest" || fail "docs/recipes/kubernetes.md has an image that the test does not expect"
  kubernetes_manifest=$manifest
  engine kube play --network none "$manifest" >"$work/kubernetes.log" 2>&1 || { cat "$work/kubernetes.log" >&2; fail "podman kube play"; }
  for _ in $(seq 300); do
    engine logs "$pod" 2>/dev/null | grep -x ready >/dev/null && break
    sleep 0.1
  done
  for path in :8025/readyz /root.pem :8025/api/v1/status; do
    inside "$pod" curl -sS -H 'Authorization: Bearer at-least-16-characters' "http://127.0.0.1$path"
  done >"$work/kubernetes"
  for answer in '^ok ' 'BEGIN CERTIFICATE' '"role":"administrator"'; do
    grep -q -- "$answer" "$work/kubernetes" || { engine logs "$pod" >&2; fail "Kubernetes: no $answer"; }
  done
  engine exec "$pod" sealpost healthcheck >/dev/null || fail "Kubernetes: health check"
  end_kubernetes
  ok "the objects of docs/recipes/kubernetes.md start a healthy lab with their token and root"
}

kubernetes_manifest=
end_kubernetes() {
  [ -z "$kubernetes_manifest" ] || engine kube down --force "$kubernetes_manifest" >/dev/null 2>&1 || true
  kubernetes_manifest=
}
