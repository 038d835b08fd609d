{{/* Names and labels. Whoever adds a template uses these four and nothing of their own. */}}

{{- define "track-bridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 50 characters at most: what the chart appends for its jobs and headless service must fit into 63. */}}
{{- define "track-bridge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "track-bridge.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* What never changes in the life of a release: a Deployment's selector cannot be changed. */}}
{{- define "track-bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "track-bridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What the chart adds to the labels above on everything it makes. */}}
{{- define "track-bridge.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: track-bridge
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "track-bridge.labels" -}}
{{ include "track-bridge.selectorLabels" . }}
{{ include "track-bridge.releaseLabels" . }}
{{- end -}}

{{/* Called with (list . MAP): the annotations of one object, those common to all included; nothing where there are none. */}}
{{- define "track-bridge.annotations" -}}
{{- $merged := mergeOverwrite dict ((index . 0).Values.commonAnnotations | default dict) (index . 1 | default dict) -}}
{{- with $merged -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
