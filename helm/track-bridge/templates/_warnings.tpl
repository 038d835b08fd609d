{{/* What is allowed, but worth a line after each install and upgrade. */}}
{{- define "track-bridge.warnings" -}}
{{- $config := include "track-bridge.config" . | fromJson -}}
{{- if and (eq .Values.image.repository "track-bridge") (not (.Values.image.registry | default (dig "imageRegistry" "" (.Values.global | default dict)))) }}
  - image: no registry publishes {{ include "track-bridge.image" . }} under this name alone. Build it with `make image`, load it into the nodes or push it, and set image.registry and image.repository; a chart that a release published names its image itself.
{{- end -}}
{{- with .Values.partitions -}}
{{- if and (include "track-bridge.replicas" $) (gt (int64 $.Values.replicaCount) (int64 .)) }}
  - replicaCount: {{ int64 $.Values.replicaCount }} replicas share {{ int64 . }} partitions, so {{ sub (int64 $.Values.replicaCount) (int64 .) }} of them will never have anything to do.
{{- end -}}
{{- range $scaler := list "keda" "autoscaling" -}}
{{- if and (get $.Values $scaler).enabled (gt (int64 (get $.Values $scaler).maxReplicas) (int64 $.Values.partitions)) }}
  - {{ $scaler }}.maxReplicas: {{ int64 (get $.Values $scaler).maxReplicas }} is more than there are partitions; {{ int64 $.Values.partitions }} are used.
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (include "track-bridge.replicas" .) (eq (int64 .Values.replicaCount) 1) }}
  - replicaCount: one replica alone delivers nothing while its node is drained or it is replaced.
{{- end -}}
{{- $limit := dig "delivery" "rate_limit" "600/min" $config | toString -}}
{{- if and (include "track-bridge.replicas" .) (gt (int64 .Values.replicaCount) 2) (ne $limit "unlimited") }}
  - replicaCount: {{ int64 .Values.replicaCount }} replicas have one budget of {{ $limit }} together, which one of them can use alone: more than two bring no speed.
{{- end -}}
{{- $whole := .Values.fullnameOverride | default (printf "%s-%s" .Release.Name (include "track-bridge.name" .)) -}}
{{- if gt (len $whole) 44 }}
  - fullnameOverride: the name was cut to {{ include "track-bridge.fullname" . }}; give a shorter one, so that no other release gets the same.
{{- end -}}
{{- if or .Values.apiKey.value .Values.kafkaCredentials.values }}
  - apiKey.value, kafkaCredentials.values: Helm stores them with each revision of the release. They are for trying out; use existingSecret.
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.prometheus.enabled) }}
  - keda.prometheus.enabled: KEDA scales by lag alone, and adds replicas while the API is down, the key is refused or the budget is used up.
{{- end -}}
{{- if and (eq (dig "kafka" "start_from" "error" $config | toString) "error") .Release.IsInstall }}
  - config.kafka.start_from is error: a topic the group has never read waits until you say where to start (earliest, latest, a time, an age).
{{- end -}}
{{- if eq $limit "unlimited" }}
  - config.delivery.rate_limit is unlimited: nothing keeps the replicas within the limit of the API token.
{{- end -}}
{{- if not (or .Values.serviceMonitor.enabled .Values.podMonitor.enabled) }}
  - Nothing scrapes /metrics yet: serviceMonitor.enabled or podMonitor.enabled, or a scrape job of your own.
{{- end -}}
{{- end -}}
