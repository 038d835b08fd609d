{{/* Where keys, passwords and certificates come from: files in mounted directories, and the variables that name them. */}}

{{/* Never subPath: a file mounted so is not updated when its Secret changes. */}}
{{- define "track-bridge.secretsFolder" -}}/run/secrets/track-bridge{{- end -}}

{{/* The data of the Secret the chart makes for trying out; nothing where it makes none. */}}
{{- define "track-bridge.secretData" -}}
{{- $data := dict -}}
{{- with .Values.apiKey.value }}{{ $_ := set $data "api-key" (b64enc .) }}{{ end -}}
{{- range $property, $value := .Values.kafkaCredentials.values }}{{ $_ := set $data $property (b64enc $value) }}{{ end -}}
{{- with $data }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/*
Everything mounted, as JSON: a list of {name, source, items, environment}. `items` are the keys that are mounted (a missing one keeps the pod
from starting, with an event that names it), `environment` the variables that tell the bridge. Called with
(list . NAME), where NAME is that of the chart's own Secret.
*/}}
{{- define "track-bridge.mounts" -}}
{{- $values := (index . 0).Values -}}
{{- $own := index . 1 -}}
{{- $folder := include "track-bridge.secretsFolder" . -}}
{{- $mounts := list -}}
{{- if or $values.apiKey.existingSecret $values.apiKey.value -}}
  {{- $key := ternary $values.apiKey.key "api-key" (not (empty $values.apiKey.existingSecret)) -}}
  {{- $mounts = append $mounts (dict
        "name" "api-key"
        "source" (dict "secret" ($values.apiKey.existingSecret | default $own))
        "items" (list $key)
        "environment" (list (dict "name" "BRIDGE_TRACK__API_KEY_FILE" "value" (printf "%s/api-key/%s" $folder $key)))) -}}
{{- end -}}
{{- $files := $values.kafkaCredentials.files -}}
{{- if not $values.kafkaCredentials.existingSecret -}}
  {{- $files = dict -}}
  {{- range $property, $_ := $values.kafkaCredentials.values }}{{ $_ := set $files $property $property }}{{ end -}}
{{- end -}}
{{- if $files -}}
  {{- $items := list -}}
  {{- $environment := list -}}
  {{- range $property, $key := $files -}}
    {{- $items = append $items $key -}}
    {{- $variable := $property | replace "." "_" | upper | printf "BRIDGE_KAFKA__PROPERTIES__%s" -}}
    {{- /* A property that is a path itself is given the path; of any other the bridge reads the value from the file. */ -}}
    {{- if not (or (hasSuffix ".location" $property) (hasSuffix ".file" $property)) }}{{ $variable = printf "%s_FILE" $variable }}{{ end -}}
    {{- $environment = append $environment (dict "name" $variable "value" (printf "%s/kafka-credentials/%s" $folder $key)) -}}
  {{- end -}}
  {{- $mounts = append $mounts (dict
        "name" "kafka-credentials"
        "source" (dict "secret" ($values.kafkaCredentials.existingSecret | default $own))
        "items" (uniq $items)
        "environment" $environment) -}}
{{- end -}}
{{- if or $values.kafkaCa.existingSecret $values.kafkaCa.existingConfigMap -}}
  {{- $mounts = append $mounts (dict
        "name" "kafka-ca"
        "source" (include "track-bridge.source" $values.kafkaCa | fromJson)
        "items" (list $values.kafkaCa.key)
        "environment" (list (dict "name" "BRIDGE_KAFKA__PROPERTIES__SSL_CA_LOCATION" "value" (printf "%s/kafka-ca/%s" $folder $values.kafkaCa.key)))) -}}
{{- end -}}
{{- with $values.kafkaClientCertificate -}}
{{- if .existingSecret -}}
  {{- $mounts = append $mounts (dict
        "name" "kafka-client-certificate"
        "source" (dict "secret" .existingSecret)
        "items" (uniq (list .certificate .key))
        "environment" (list
          (dict "name" "BRIDGE_KAFKA__PROPERTIES__SSL_CERTIFICATE_LOCATION" "value" (printf "%s/kafka-client-certificate/%s" $folder .certificate))
          (dict "name" "BRIDGE_KAFKA__PROPERTIES__SSL_KEY_LOCATION" "value" (printf "%s/kafka-client-certificate/%s" $folder .key)))) -}}
{{- end -}}
{{- end -}}
{{- if and ($values.console).enabled (($values.console).token).existingSecret -}}
  {{- $mounts = append $mounts (dict
        "name" "console-token"
        "source" (dict "secret" (($values.console).token).existingSecret)
        "items" (list ((($values.console).token).key | default "token"))
        "environment" (list (dict "name" "BRIDGE_CONSOLE__TOKEN_FILE" "value" (printf "%s/console-token/%s" $folder ((($values.console).token).key | default "token"))))) -}}
{{- end -}}
{{- if or $values.apiCa.existingSecret $values.apiCa.existingConfigMap -}}
  {{- $mounts = append $mounts (dict
        "name" "api-ca"
        "source" (include "track-bridge.source" $values.apiCa | fromJson)
        "items" (list $values.apiCa.key)
        "environment" (list (dict "name" "BRIDGE_TRACK__CA_FILE" "value" (printf "%s/api-ca/%s" $folder $values.apiCa.key)))) -}}
{{- end -}}
{{- toJson (dict "mounts" $mounts) -}}
{{- end -}}

{{- define "track-bridge.source" -}}
{{- ternary (dict "secret" .existingSecret) (dict "configMap" .existingConfigMap) (not (empty .existingSecret)) | toJson -}}
{{- end -}}
