{{/* What KEDA is told of Kafka. */}}

{{/* The topics whose lag counts, as a JSON list; empty: all the group reads. */}}
{{- define "track-bridge.keda.topics" -}}
{{- $topics := .Values.keda.kafka.topics | default (dig "kafka" "topics" list (include "track-bridge.config" . | fromJson)) -}}
{{- $literal := list -}}
{{- range $topics }}{{ if not (hasPrefix "^" .) }}{{ $literal = append $literal . }}{{ end }}{{ end -}}
{{- ternary $topics list (eq (len $literal) (len $topics)) | toJson -}}
{{- end -}}

{{/*
The authentication of the Kafka trigger, as JSON {metadata, secrets, configMaps, plain}: KEDA's own names for what librdkafka's properties
say. `plain` are values of `config` that a TriggerAuthentication can only take from a ConfigMap.
*/}}
{{- define "track-bridge.keda.kafka" -}}
{{- $properties := dig "kafka" "properties" dict (include "track-bridge.config" . | fromJson) -}}
{{- $iam := dig "kafka" "aws_iam" dict (include "track-bridge.config" . | fromJson) -}}
{{- $protocol := dig "security.protocol" "plaintext" $properties | toString | lower -}}
{{- $mechanism := (get $properties "sasl.mechanism" | default (get $properties "sasl.mechanisms")) | default "" | toString | upper -}}
{{- $mechanisms := dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" -}}
{{- $metadata := dict "tls" (ternary "enable" "disable" (hasSuffix "ssl" $protocol)) -}}
{{- $secrets := list -}}
{{- $configMaps := list -}}
{{- $plain := dict -}}
{{- if $iam -}}
  {{- $metadata = dict "tls" "enable" "sasl" "aws_msk_iam" "awsRegion" (toString $iam.region) -}}
{{- else if hasPrefix "sasl" $protocol -}}
  {{- $_ := set $metadata "sasl" (get $mechanisms $mechanism) -}}
  {{- $credentials := .Values.kafkaCredentials -}}
  {{- $secret := $credentials.existingSecret | default (include "track-bridge.fullname" .) -}}
  {{- range $parameter, $property := dict "username" "sasl.username" "password" "sasl.password" -}}
    {{- if and $credentials.existingSecret (hasKey ($credentials.files | default dict) $property) -}}
      {{- $secrets = append $secrets (dict "parameter" $parameter "name" $secret "key" (get $credentials.files $property)) -}}
    {{- else if and (not $credentials.existingSecret) (hasKey ($credentials.values | default dict) $property) -}}
      {{- $secrets = append $secrets (dict "parameter" $parameter "name" $secret "key" $property) -}}
    {{- else if and (hasKey $properties $property) (eq $parameter "username") -}}
      {{- $_ := set $plain $property (include "track-bridge.text" (get $properties $property)) -}}
      {{- $configMaps = append $configMaps (dict "parameter" $parameter "name" (printf "%s-keda" (include "track-bridge.fullname" $)) "key" $property) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- with .Values.kafkaCa -}}
  {{- if .existingSecret }}{{ $secrets = append $secrets (dict "parameter" "ca" "name" .existingSecret "key" .key) }}
  {{- else if .existingConfigMap }}{{ $configMaps = append $configMaps (dict "parameter" "ca" "name" .existingConfigMap "key" .key) }}{{ end -}}
{{- end -}}
{{- with .Values.kafkaClientCertificate -}}
  {{- if .existingSecret -}}
    {{- $secrets = concat $secrets (list
          (dict "parameter" "cert" "name" .existingSecret "key" .certificate)
          (dict "parameter" "key" "name" .existingSecret "key" .key)) -}}
  {{- end -}}
{{- end -}}
{{- toJson (dict "metadata" $metadata "secrets" $secrets "configMaps" $configMaps "plain" $plain) -}}
{{- end -}}

{{/* The TriggerAuthentication of the Kafka trigger as JSON; {} where Kafka asks for nothing. */}}
{{- define "track-bridge.keda.authenticationRef" -}}
{{- if .Values.keda.kafka.authenticationRef -}}
{{- toJson .Values.keda.kafka.authenticationRef -}}
{{- else -}}
{{- $kafka := include "track-bridge.keda.kafka" . | fromJson -}}
{{- ternary (dict "name" (printf "%s-kafka" (include "track-bridge.fullname" .))) dict (not (and (empty $kafka.secrets) (empty $kafka.configMaps))) | toJson -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.keda.bootstrapServers" -}}
{{- .Values.keda.kafka.bootstrapServers | default (dig "kafka" "bootstrap_servers" "" (include "track-bridge.config" . | fromJson)) -}}
{{- end -}}

{{/* One Kafka trigger, called with (list . NAME TOPIC); without a topic it is about all the group reads. */}}
{{- define "track-bridge.keda.kafkaTrigger" -}}
{{- $root := index . 0 -}}
{{- $config := include "track-bridge.config" $root | fromJson -}}
{{- $own := dict
      "bootstrapServers" (include "track-bridge.keda.bootstrapServers" $root)
      "consumerGroup" $config.kafka.group_id
      "version" $root.Values.keda.kafka.version
      "lagThreshold" ($root.Values.keda.lagThreshold | int64 | toString)
      "offsetResetPolicy" (ternary "earliest" "latest" (eq (dig "start_from" "error" $config.kafka | toString) "earliest"))
      "allowIdleConsumers" "false" -}}
{{- with index . 2 -}}
{{- $_ := set $own "topic" . -}}
{{- /* Partitions that have nothing waiting need no consumer of their own. Needs a topic. */ -}}
{{- $_ := set $own "limitToPartitionsWithLag" "true" -}}
{{- end -}}
{{- if or (not $root.Values.keda.kafka.authenticationRef) (dig "aws_iam" dict $config.kafka) -}}
{{- $own = mergeOverwrite $own (include "track-bridge.keda.kafka" $root | fromJson).metadata -}}
{{- end -}}
type: kafka
name: {{ index . 1 }}
metadata:
  {{- range $key, $value := mergeOverwrite $own ($root.Values.keda.kafka.metadata | default dict) }}
  {{ $key }}: {{ include "track-bridge.text" $value | quote }}
  {{- end }}
{{- with include "track-bridge.keda.authenticationRef" $root | fromJson }}
authenticationRef:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* How the triggers become one number: never more than waits in Kafka, and 0 as soon as another replica could not help. */}}
{{- define "track-bridge.keda.formula" -}}
{{- $lag := join " + " . -}}
{{ $lag }} < backlog ? {{ $lag }} : backlog
{{- end -}}

{{- define "track-bridge.keda.query" -}}
{{- with .Values.keda.prometheus.query -}}
{{- . -}}
{{- else -}}
sum(track_bridge_scaling_backlog{namespace={{ include "track-bridge.namespace" . | quote }},pod=~"{{ include "track-bridge.podNames" . }}"})
{{- end -}}
{{- end -}}
