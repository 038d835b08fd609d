{{/* The pods that run one command and end. */}}

{{/*
Called with (list . COMPONENT ARGS RESOURCES NAME): NAME is that of the ConfigMap and Secret it mounts. A Job's pod is never a static member
of the group: `dlq replay` would take the place of a replica.
*/}}
{{- define "track-bridge.jobPod" -}}
{{- $root := index . 0 -}}
metadata:
  labels:
    {{- $own := omit (include "track-bridge.jobLabels" (list $root (index . 1)) | fromYaml) "helm.sh/chart" }}
    {{- $_ := set $own "app.kubernetes.io/version" (include "track-bridge.imageVersion" $root) }}
    {{- toYaml (mergeOverwrite dict ($root.Values.podLabels | default dict) $own) | nindent 4 }}
  {{- with include "track-bridge.annotations" (list $root $root.Values.podAnnotations) }}
  {{- nindent 2 . }}
  {{- end }}
{{ include "track-bridge.jobPodSpec" . }}
{{- end -}}

{{- define "track-bridge.jobPodSpec" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
spec:
  restartPolicy: Never
  {{- if and (eq $component "topics-create") $root.Values.serviceAccount.create }}
  # A hook runs before the release's own service account exists, and brings one.
  serviceAccountName: {{ index . 4 | quote }}
  {{- else }}
  serviceAccountName: {{ include "track-bridge.serviceAccountName" $root | quote }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "track-bridge.grace" $root }}
  {{- include "track-bridge.podSettings" $root | nindent 2 }}
  {{- with $root.Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $component }}
      args: {{ index . 2 | toJson }}
      {{- include "track-bridge.container" (list $root (index . 4) list (index . 3 | default $root.Values.resources)) | nindent 6 }}
  volumes:
    {{- include "track-bridge.volumes" (list $root (index . 4)) | nindent 4 }}
{{- end -}}

{{/* The Job that replays dead letters, without its name and without an end of its life. */}}
{{- define "track-bridge.replayJobSpec" -}}
{{- $args := concat (list "dlq" "replay" "--yes") (.Values.dlqReplay.args | default list) -}}
# Dead letters that failed again or are left end it with 1: another try at once would change nothing, and a retry would hide it.
backoffLimit: 0
template:
  {{- include "track-bridge.jobPod" (list . "dlq-replay" $args .Values.dlqReplay.resources (include "track-bridge.fullname" .)) | nindent 2 }}
{{- end -}}
