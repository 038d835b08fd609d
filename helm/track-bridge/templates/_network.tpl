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

{{/* The port of config.track.endpoint. */}}
{{- define "track-bridge.apiPort" -}}
{{- $endpoint := dig "track" "endpoint" "" (include "track-bridge.config" . | fromJson) | toString -}}
{{- $host := regexReplaceAll "^[a-z]+://" $endpoint "" | regexFind "^[^/]*" -}}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (ternary "80" "443" (hasPrefix "http://" $endpoint)) -}}
{{- end -}}
