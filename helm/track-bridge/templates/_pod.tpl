{{/* What the workload's pods and the jobs' pods have in common. */}}

{{/*
All variables, each name once: server-side apply refuses a list with two of one name. Called with (list . NAME MORE): the chart's own
Secret, and variables of this pod alone. extraEnv goes over the chart's.
*/}}
{{- define "track-bridge.env" -}}
{{- $root := index . 0 -}}
{{- $all := list (dict "name" "BRIDGE_CONFIG" "value" "/etc/track-bridge/bridge.yaml") -}}
{{- range (include "track-bridge.mounts" (list $root (index . 1)) | fromJson).mounts -}}
  {{- $all = concat $all .environment -}}
{{- end -}}
{{- $all = concat $all (index . 2) ($root.Values.extraEnv | default list) -}}
{{- $last := dict -}}
{{- range $all }}{{ $_ := set $last .name . }}{{ end -}}
{{- $env := list -}}
{{- range $all -}}
  {{- if hasKey $last .name -}}
    {{- $env = append $env (get $last .name) -}}
    {{- $_ := unset $last .name -}}
  {{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* Called with (list . NAME): the names of the ConfigMap and Secret this pod mounts are the same. */}}
{{- define "track-bridge.volumes" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
- name: config
  configMap:
    name: {{ ($root.Values.existingConfigMap).name | default $name }}
    {{- if ($root.Values.existingConfigMap).name }}
    items:
      - key: {{ $root.Values.existingConfigMap.key | default "bridge.yaml" | quote }}
        path: bridge.yaml
    {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 16Mi
{{- range (include "track-bridge.mounts" (list $root $name) | fromJson).mounts }}
- name: {{ .name }}
  {{- if .source.secret }}
  secret:
    secretName: {{ .source.secret | quote }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .source.configMap | quote }}
    defaultMode: 0440
  {{- end }}
    items:
      {{- range .items }}
      - key: {{ . | quote }}
        path: {{ . | quote }}
      {{- end }}
{{- end }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "track-bridge.volumeMounts" -}}
- name: config
  mountPath: /etc/track-bridge
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- range (include "track-bridge.mounts" (list . "") | fromJson).mounts }}
- name: {{ .name }}
  mountPath: {{ include "track-bridge.secretsFolder" . }}/{{ .name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where pods may run, and what they are to the cluster. */}}
{{- define "track-bridge.podSettings" -}}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken | default false }}
# A Service named bridge or kafka would otherwise put variables such as BRIDGE_PORT into the environment.
enableServiceLinks: false
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "track-bridge.pullSecrets" . | fromJsonArray }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.schedulerName }}
schedulerName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . | quote }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image, environment and mounts of a container that runs the program. Called with (list . NAME MORE RESOURCES), as "track-bridge.env". */}}
{{- define "track-bridge.container" -}}
{{- $root := index . 0 -}}
image: {{ include "track-bridge.image" $root | quote }}
{{- with $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with $root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
env:
  {{- include "track-bridge.env" (list $root (index . 1) (index . 2)) | nindent 2 }}
{{- with $root.Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index . 3 }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "track-bridge.volumeMounts" $root | nindent 2 }}
{{- end -}}

{{/* A probe: a handler of the user's replaces the chart's, which merging would leave beside it. */}}
{{- define "track-bridge.probe" -}}
{{- $probe := deepCopy . -}}
{{- if or (hasKey . "exec") (hasKey . "tcpSocket") (hasKey . "grpc") -}}
{{- $probe = omit $probe "httpGet" -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}

{{/* The template of the Deployment's and the StatefulSet's pods. */}}
{{- define "track-bridge.podTemplate" -}}
{{- $name := include "track-bridge.fullname" . -}}
{{- $own := list -}}
{{- if eq .Values.workload "StatefulSet" -}}
{{- /* Kubernetes puts in variables that stand above. */ -}}
{{- $own = list
      (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "metadata.name")))
      (dict "name" "POD_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "metadata.namespace")))
      (dict "name" "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID" "value" (.Values.groupInstanceId | default "$(POD_NAMESPACE).$(POD_NAME)")) -}}
{{- end -}}
metadata:
  labels:
    {{- /* Without helm.sh/chart: a change of the chart alone must not replace the pods. */ -}}
    {{- include "track-bridge.allPodLabels" . | nindent 4 }}
  {{- /* The configuration, and what the Kafka client takes from the chart's Secret, are read at start. */ -}}
  {{- $checksums := dict "checksum/config" ((.Values.existingConfigMap).name | default (include "track-bridge.readAtStart" .) | sha256sum) -}}
  {{- with .Values.kafkaCredentials.values }}{{ $_ := set $checksums "checksum/kafka-credentials" (toJson . | sha256sum) }}{{ end -}}
  {{- include "track-bridge.annotations" (list . (mergeOverwrite dict (.Values.podAnnotations | default dict) $checksums)) | nindent 2 }}
spec:
  serviceAccountName: {{ include "track-bridge.serviceAccountName" . | quote }}
  terminationGracePeriodSeconds: {{ include "track-bridge.grace" . }}
  {{- include "track-bridge.podSettings" . | nindent 2 }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" (include "track-bridge.selectorLabels" $ | fromYaml)))) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: bridge
      args: {{ concat (list "run") (.Values.extraArgs | default list) | toJson }}
      {{- include "track-bridge.container" (list . $name $own .Values.resources) | nindent 6 }}
      ports:
        - name: http
          containerPort: {{ include "track-bridge.port" . }}
          protocol: TCP
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- include "track-bridge.probe" . | nindent 8 }}
      {{- end }}
      {{- with .Values.livenessProbe }}
      livenessProbe:
        {{- include "track-bridge.probe" . | nindent 8 }}
      {{- end }}
      {{- with .Values.readinessProbe }}
      readinessProbe:
        {{- include "track-bridge.probe" . | nindent 8 }}
      {{- end }}
      {{- with .Values.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "track-bridge.volumes" (list . $name) | nindent 4 }}
{{- end -}}

{{/*
The names of this release's pods and of no others', as a regular expression (Prometheus anchors it): NAME-.* would also be those of a
release whose name begins with this one's. Kubernetes makes hashes and random ends of these letters only, none of them a dash.
*/}}
{{- define "track-bridge.podNames" -}}
{{- $random := "[bcdfghjklmnpqrstvwxz2456789]" -}}
{{- include "track-bridge.fullname" . }}-{{ if eq .Values.workload "StatefulSet" }}[0-9]+{{ else }}{{ $random }}{1,10}-{{ $random }}{5}{{ end -}}
{{- end -}}

{{/* Whether something else decides how many replicas there are. */}}
{{- define "track-bridge.replicas" -}}
{{- if not (or .Values.keda.enabled .Values.autoscaling.enabled) }}{{ .Values.replicaCount | int64 }}{{ end -}}
{{- end -}}

{{/* The most replicas of an autoscaler, called with (list . MAX). */}}
{{- define "track-bridge.mostReplicas" -}}
{{- $most := index . 1 | int64 -}}
{{- with (index . 0).Values.partitions }}{{ $most = min $most (int64 .) }}{{ end -}}
{{- $most -}}
{{- end -}}

{{- define "track-bridge.fewestReplicas" -}}
{{- min (index . 1 | int64) (include "track-bridge.mostReplicas" (list (index . 0) (index . 2)) | int64) -}}
{{- end -}}

{{/* How many replicas there are at the least. */}}
{{- define "track-bridge.leastReplicas" -}}
{{- $scaler := ternary .Values.keda .Values.autoscaling (eq (toString .Values.keda.enabled) "true") -}}
{{- include "track-bridge.replicas" . | default (include "track-bridge.fewestReplicas" (list . $scaler.minReplicas $scaler.maxReplicas)) -}}
{{- end -}}
