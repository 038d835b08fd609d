{{/* Ports and rules of the NetworkPolicy. */}}

{{/* One egress rule of {to, ports}. */}}
{{- define "track-bridge.egress" -}}
ports:
  {{- range .ports }}
  - port: {{ int64 . }}
    protocol: TCP
  {{- end }}
{{- with .to }}
to:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The ports in config.kafka.bootstrap_servers, each once, as a JSON list; 9092 where a broker names none. */}}
{{- define "track-bridge.kafkaPorts" -}}
{{- $ports := list -}}
{{- range splitList "," (dig "kafka" "bootstrap_servers" "" (include "track-bridge.config" . | fromJson) | toString) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (trim .) | trimPrefix ":" | default "9092") -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end -}}

{{/* config.track.endpoint as the bridge reads it: schemes and hosts are the same in capitals. */}}
{{- define "track-bridge.endpoint" -}}
{{- dig "track" "endpoint" "" (include "track-bridge.config" . | fromJson) | toString | trim | lower -}}
{{- end -}}

{{/* Its host, without the port. */}}
{{- define "track-bridge.apiHost" -}}
{{- regexReplaceAll "^[a-z]+://" (include "track-bridge.endpoint" .) "" | regexFind "^[^/:]*" -}}
{{- end -}}

{{/* Its port. */}}
{{- define "track-bridge.apiPort" -}}
{{- $endpoint := include "track-bridge.endpoint" . -}}
{{- $host := regexReplaceAll "^[a-z]+://" $endpoint "" | regexFind "^[^/]*" -}}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (ternary "80" "443" (hasPrefix "http://" $endpoint)) -}}
{{- end -}}

{{/* Where replicas and jobs may go. */}}
{{- define "track-bridge.egressRules" -}}
{{- $policy := .Values.networkPolicy -}}
# Names.
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  {{- with $policy.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# Kafka.
- {{ include "track-bridge.egress" (dict "to" $policy.kafka.to "ports" ($policy.kafka.ports | default (include "track-bridge.kafkaPorts" . | fromJsonArray))) | nindent 2 | trim }}
{{- if not ($policy.cilium).enabled }}
# The Track API.
- {{ include "track-bridge.egress" (dict "to" $policy.api.to "ports" ($policy.api.ports | default (list (include "track-bridge.apiPort" .)))) | nindent 2 | trim }}
{{- end }}
{{- range $name, $target := $policy.extraEgress }}
# {{ $name }}.
- {{ include "track-bridge.egress" $target | nindent 2 | trim }}
{{- end }}
{{- end -}}
