{{/* The endpoint of a ServiceMonitor or PodMonitor, called with (list VALUES RELABELINGS): the chart's own come before the user's. */}}
{{- define "track-bridge.scrape" -}}
{{- $relabelings := concat (index . 1) ((index . 0).relabelings | default list) -}}
{{- with index . 0 -}}
port: http
path: /metrics
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with $relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}
