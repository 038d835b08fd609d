{{/* The bridge's configuration: its text, and the few facts the chart needs of it. */}}

{{/*
The configuration as JSON, for looking at, never for writing: what is no map becomes an empty one, so that a template can go
down without asking at every step. "track-bridge.problems" says what is wrong.
*/}}
{{- define "track-bridge.config" -}}
{{- $config := .Values.config | default dict -}}
{{- if .Values.configFile -}}
{{- $config = fromYaml .Values.configFile -}}
{{- end -}}
{{- $found := dict -}}
{{- range $section := list "kafka" "track" "delivery" "dead_letter" "mapping" "observability" "reload" -}}
{{- $keys := get $config $section -}}
{{- $_ := set $found $section (ternary $keys dict (kindIs "map" $keys)) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* The text of bridge.yaml. */}}
{{- define "track-bridge.configText" -}}
{{- if .Values.configFile -}}
{{- .Values.configFile -}}
{{- else -}}
{{- include "track-bridge.yaml" (.Values.config | default dict) | trimPrefix "\n" }}
{{ end -}}
{{- end -}}

{{/* What of it is read at a start only: all of it, or all but the mapping where a running bridge takes a changed one over. */}}
{{- define "track-bridge.readAtStart" -}}
{{- $watch := dig "reload" "watch" false (include "track-bridge.config" . | fromJson) -}}
{{- if eq (toString $watch) "true" -}}
{{- $config := .Values.config | default dict -}}
{{- if .Values.configFile -}}
{{- $config = fromYaml .Values.configFile -}}
{{- end -}}
{{- omit $config "mapping" | toJson -}}
{{- else -}}
{{- include "track-bridge.configText" . -}}
{{- end -}}
{{- end -}}

{{/* The data of a ConfigMap that holds it: readable where every line is the chart's, whatever the user's own file looks like. */}}
{{- define "track-bridge.configData" -}}
bridge.yaml: {{ if .Values.configFile }}{{ toJson .Values.configFile }}{{ else }}|
  {{- include "track-bridge.configText" . | trim | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
A value as YAML in which every key and scalar is JSON, one below the other. toYaml would write text such as 0o17 without
quotes, which is a number in the bridge's YAML 1.2, and JSON alone is a wall that nobody reads in a ConfigMap.
*/}}
{{- define "track-bridge.yaml" -}}
{{- if and . (kindIs "map" .) -}}
{{- range $key, $value := . }}
{{ include "track-bridge.scalar" $key }}:{{ include "track-bridge.yamlBelow" $value }}
{{- end -}}
{{- else if and . (kindIs "slice" .) -}}
{{- range $value := . }}
-{{ include "track-bridge.yamlBelow" $value }}
{{- end -}}
{{- else -}}
{{- include "track-bridge.scalar" . -}}
{{- end -}}
{{- end -}}

{{/* JSON, except that a next-line character would end the line in YAML. */}}
{{- define "track-bridge.scalar" -}}
{{- toRawJson . | replace "\u0085" "\\u0085" -}}
{{- end -}}

{{- define "track-bridge.yamlBelow" -}}
{{- if and . (or (kindIs "map" .) (kindIs "slice" .)) -}}
{{- include "track-bridge.yaml" . | replace "\n" "\n  " -}}
{{- else }} {{ include "track-bridge.scalar" . -}}
{{- end -}}
{{- end -}}

{{/* A value as text: toString writes 12345678 as 1.2345678e+07. */}}
{{- define "track-bridge.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toRawJson . }}{{ end -}}
{{- end -}}

{{/* Seconds of a duration such as 20s, rounded up; nothing where it is none (a reference such as ${DRAIN}). */}}
{{- define "track-bridge.seconds" -}}
{{- $text := toString . -}}
{{- if regexMatch "^[0-9]+([.][0-9]+)?(ms|s|m|h|d)$" $text -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $units (regexFind "[a-z]+$" $text)) | ceil | int64 -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.drainSeconds" -}}
{{- include "track-bridge.seconds" (dig "kafka" "drain_timeout" "20s" (include "track-bridge.config" . | fromJson)) -}}
{{- end -}}

{{/* Seconds of lifecycle.preStop, which Kubernetes counts in the grace; nothing where the hook does not say how long it takes. */}}
{{- define "track-bridge.preStopSeconds" -}}
{{- $hook := dig "preStop" dict (.Values.lifecycle | default dict) | default dict -}}
{{- if not $hook -}}0
{{- else if hasKey $hook "sleep" -}}{{ int64 $hook.sleep.seconds }}
{{- else -}}
{{- /* A sleep alone, or one that a shell is given alone: what else a command does takes a time of its own. */ -}}
{{- $words := dig "exec" "command" list $hook | join " " -}}
{{- regexFind "^(\\S+ -c )?(\\S*/)?sleep [0-9]+$" $words | regexFind "[0-9]+$" -}}
{{- end -}}
{{- end -}}

{{/*
The drain, in which requests end (`track.timeout` is below it), and 25 seconds: 2 until the drain is cut off, 10 for the last commit,
10 for leaving the group (the process ends by itself after these), and some to start and end. Before it, what a preStop hook takes.
*/}}
{{- define "track-bridge.leastGrace" -}}
{{- $preStop := include "track-bridge.preStopSeconds" . -}}
{{- with include "track-bridge.drainSeconds" . -}}{{- if $preStop -}}{{- add (int64 .) (int64 $preStop) 25 -}}{{- end -}}{{- end -}}
{{- end -}}

{{/* Bytes of a quantity such as 256Mi or 1G, or of the bridge's own 32MB; nothing where it is neither. */}}
{{- define "track-bridge.bytes" -}}
{{- $text := include "track-bridge.text" . -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "T" 1000000000000 "KB" 1000 "MB" 1000000 "GB" 1000000000 "KiB" 1024 "MiB" 1048576 "GiB" 1073741824 "B" 1 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- if and (regexMatch "^[0-9]+([.][0-9]+)?[A-Za-z]*$" $text) (hasKey $units $unit) -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $units $unit) | int64 -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.grace" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- include "track-bridge.leastGrace" . -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds | int64 -}}
{{- end -}}
{{- end -}}

{{/* The port of /livez, /readyz, /metrics and /status; nothing where it is a reference. */}}
{{- define "track-bridge.port" -}}
{{- $listen := dig "observability" "listen" "0.0.0.0:9464" (include "track-bridge.config" . | fromJson) -}}
{{- regexFind ":[0-9]+$" (toString $listen) | trimPrefix ":" -}}
{{- end -}}
