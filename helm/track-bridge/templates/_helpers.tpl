{{/* Names and labels. Whoever adds a template uses these four and nothing of their own. */}}

{{- define "track-bridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 44 characters at most: a CronJob may have 52, and "-replay" is appended. */}}
{{- define "track-bridge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "track-bridge.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 44 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/*
Called with (list . NAME NAMESPACE): the name of what may be in another namespace than the release's, where releases of one name from several
namespaces meet. A namespace has no dot, so that no two are called alike.
*/}}
{{- define "track-bridge.nameIn" -}}
{{- $own := include "track-bridge.namespace" (index . 0) -}}
{{- $there := index . 2 | default $own -}}
{{- if ne $there $own }}{{ $own }}.{{ end }}{{ index . 1 -}}
{{- end -}}

{{/* What never changes in the life of a release: a Deployment's selector cannot be changed. */}}
{{- define "track-bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "track-bridge.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* On everything the chart makes. The chart's own go over commonLabels: two of one name would be invalid. */}}
{{- define "track-bridge.labels" -}}
{{- $own := include "track-bridge.selectorLabels" . | fromYaml -}}
{{- toYaml (mergeOverwrite dict (.Values.commonLabels | default dict) (include "track-bridge.releaseLabels" . | fromYaml) $own) -}}
{{- end -}}

{{- define "track-bridge.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: track-bridge
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* The version is that of the image: the chart's own would replace all pods with each new chart, also where the image stays. */}}
{{- define "track-bridge.podLabels" -}}
{{ include "track-bridge.selectorLabels" . }}
app.kubernetes.io/version: {{ include "track-bridge.imageVersion" . | quote }}
app.kubernetes.io/part-of: track-bridge
{{- end -}}

{{/*
Labels of the jobs' pods, called with (list . COMPONENT). Their name is another one than that of the workload's pods: the Service,
the disruption budget and the monitors must not take a job for a replica.
*/}}
{{- define "track-bridge.jobLabels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
      "app.kubernetes.io/name" (include "track-bridge.jobName" $root)
      "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/component" (index . 1) -}}
{{- toYaml (mergeOverwrite dict ($root.Values.commonLabels | default dict) (include "track-bridge.releaseLabels" $root | fromYaml) $own) -}}
{{- end -}}

{{- define "track-bridge.jobName" -}}
{{- printf "%s-job" (include "track-bridge.name" . | trunc 59 | trimSuffix "-") -}}
{{- end -}}

{{- define "track-bridge.consoleName" -}}
{{- printf "%s-console" (include "track-bridge.name" . | trunc 55 | trimSuffix "-") -}}
{{- end -}}

{{/* Of the console's pod. It is no replica either: another name, as a job has. */}}
{{- define "track-bridge.consoleSelectorLabels" -}}
app.kubernetes.io/name: {{ include "track-bridge.consoleName" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "track-bridge.consoleLabels" -}}
{{- toYaml (mergeOverwrite dict (.Values.commonLabels | default dict) (include "track-bridge.releaseLabels" . | fromYaml) (include "track-bridge.consoleSelectorLabels" . | fromYaml)) -}}
{{- end -}}

{{/* Called with (list . MAP): the annotations of one object, those common to all included; nothing where there are none. */}}
{{- define "track-bridge.annotations" -}}
{{- $merged := mergeOverwrite dict ((index . 0).Values.commonAnnotations | default dict) (index . 1 | default dict) -}}
{{- with $merged -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* REGISTRY/REPOSITORY:TAG, or @DIGEST. The registry a parent chart names for all its charts serves where none is named here. */}}
{{- define "track-bridge.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry | default (dig "imageRegistry" "" (.Values.global | default dict)) }}{{ trimSuffix "/" . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{/* As a JSON list: the chart's own and those of global.imagePullSecrets, which may be names or maps, each once. */}}
{{- define "track-bridge.pullSecrets" -}}
{{- $all := .Values.imagePullSecrets | default list -}}
{{- range dig "imagePullSecrets" list (.Values.global | default dict) -}}
{{- $all = append $all (ternary (dict "name" .) . (kindIs "string" .)) -}}
{{- end -}}
{{- uniq $all | toJson -}}
{{- end -}}

{{/* What a label may hold of the image's tag; a digest is too long and names no version. */}}
{{- define "track-bridge.imageVersion" -}}
{{- if .Values.image.tag }}{{ .Values.image.tag | trunc 63 | trimSuffix "-" | trimSuffix "." | trimSuffix "_" }}
{{- else if .Values.image.digest }}{{ .Values.image.digest | trimPrefix "sha256:" | trunc 12 }}
{{- else }}{{ .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- define "track-bridge.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "track-bridge.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* The words of docs/runbook.md for this release: operate.sh, which that page shows with the names of an example. */}}
{{- define "track-bridge.operate" -}}
{{- .Files.Get "operate.sh"
      | replace "@namespace@" (include "track-bridge.namespace" .)
      | replace "@kind@" (lower .Values.workload)
      | replace "@fullname@" (include "track-bridge.fullname" .)
      | replace "@name@" (include "track-bridge.name" .)
      | replace "@release@" .Release.Name | trimSuffix "\n" -}}
{{- end -}}

{{/* Of the Service, which a ServiceMonitor's jobLabel looks at. */}}
{{- define "track-bridge.serviceLabels" -}}
{{- toYaml (mergeOverwrite dict (.Values.service.labels | default dict) (include "track-bridge.labels" . | fromYaml) (dict "app.kubernetes.io/component" "metrics")) -}}
{{- end -}}

{{/* Of the replicas' pods, which a PodMonitor's jobLabel looks at. */}}
{{- define "track-bridge.allPodLabels" -}}
{{- toYaml (mergeOverwrite dict (.Values.commonLabels | default dict) (.Values.podLabels | default dict) (include "track-bridge.podLabels" . | fromYaml)) -}}
{{- end -}}
