NAMESPACE=@namespace@ KIND=@kind@ NAME=@fullname@
SELECTOR=app.kubernetes.io/name=@name@,app.kubernetes.io/instance=@release@
kube() { kubectl --namespace "$NAMESPACE" "$@"; }
replicas() { kube get pods --selector "$SELECTOR" --field-selector status.phase=Running --output name; }
logs() { kube logs --selector "$SELECTOR" --container bridge --prefix --tail=-1 --since=1h; }
track-bridge() {
  local pod= code=0
  for pod in $(replicas); do
    echo "$pod" >&2
    kube exec "$pod" --container bridge -- track-bridge "$@" || code=$?
    case "$1 ${2-}" in "status "*|"hold "*|"release "*|"offsets set") ;; *) break ;; esac
  done
  [ -n "$pod" ] || { echo "no replica runs" >&2; return 3; }
  return $code
}
