{{/*
What the schema cannot say: values that need each other, or exclude each other. Every problem is one line, "VALUE: what is wrong; what to do",
and all of them are reported at once. Each define below prints its lines, and nothing where all is well.
*/}}

{{- define "track-bridge.problems" -}}
{{- include "track-bridge.problems.config" . }}
{{- include "track-bridge.problems.readings" . }}
{{- include "track-bridge.problems.secrets" . }}
{{- include "track-bridge.problems.times" . }}
{{- include "track-bridge.problems.scaling" . }}
{{- include "track-bridge.problems.pod" . }}
{{- include "track-bridge.problems.console" . }}
{{- end -}}

{{/* Its pages can be reached from the whole cluster, so somebody has to be asked who he is. */}}
{{- define "track-bridge.problems.console" -}}
{{- $console := .Values.console | default dict -}}
{{- if and $console.enabled (not ($console.token).existingSecret) (not $console.behindProxy) }}
console: would show the group to everybody in the cluster; set console.token.existingSecret, or console.behindProxy if a proxy logs people in
{{- end -}}
{{- $isFenced := and .Values.networkPolicy.enabled $console.from -}}
{{- $showsValues := dig "console" "show_values" false (.Values.config | default dict) -}}
{{- if and $console.enabled $console.behindProxy (not ($console.token).existingSecret) $showsValues (not $isFenced) }}
config.console.show_values: would show records to everybody in the cluster who goes past the proxy; set console.token.existingSecret, or networkPolicy.enabled and console.from with the proxy alone
{{- end -}}
{{- if and $console.enabled (eq (int64 ($console.port | default 9465)) (include "track-bridge.port" . | int64)) }}
console.port: is {{ int64 ($console.port | default 9465) }}, which is that of observability.listen; choose another one
{{- end -}}
{{- end -}}

{{- define "track-bridge.validate" -}}
{{- $lines := list -}}
{{- range splitList "\n" (include "track-bridge.problems" .) }}{{ with trim . }}{{ $lines = append $lines . }}{{ end }}{{ end -}}
{{- with $lines -}}
{{- fail (printf "\n\n%s with the values:\n  %s\n" (ternary "1 problem" (printf "%d problems" (len .)) (eq 1 (len .))) (join "\n  " .)) -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.problems.config" -}}
{{- $config := include "track-bridge.config" . | fromJson -}}
{{- $place := ternary "config." "configFile: " (empty .Values.configFile) -}}
{{- if .Values.configFile -}}
{{- with (fromYaml .Values.configFile).Error }}
configFile: is not a YAML map ({{ . | replace "\n" " " }}); give the file with --set-file configFile=bridge.yaml
{{- end -}}
{{- $given := list -}}
{{- range $section, $keys := .Values.config -}}
{{- range $key, $value := $keys }}{{ if $value }}{{ $given = append $given (printf "config.%s.%s" $section $key) }}{{ end }}{{ end -}}
{{- end -}}
{{- with $given }}
{{ first . }}: must not be set beside configFile, which is a whole configuration; remove one of the two
{{- end -}}
{{- end -}}
{{- $required := dict
      "kafka.bootstrap_servers" "name the brokers, host:port with commas between"
      "kafka.group_id" "name the consumer group; it is where the positions are kept, so it must never change by accident"
      "kafka.topics" "list the topics to read"
      "track.endpoint" "set the host of your Userpilot environment, such as https://analytex-eu.userpilot.io; there is no default"
      "dead_letter.topic" "name the topic that takes the events which cannot be delivered"
      "mapping.events" "say which records become which events" -}}
{{- with (.Values.existingConfigMap).name -}}
{{- if $.Values.configFile }}
configFile: must not be set beside existingConfigMap.name; remove one of the two
{{- end -}}
{{- if and $.Values.keda.enabled (not (dig "kafka" "group_id" "" $config)) }}
config.kafka.group_id: must be set, because KEDA needs it and the chart cannot read the ConfigMap {{ . }}
{{- end -}}
{{- if and $.Values.networkPolicy.enabled (not $.Values.networkPolicy.kafka.ports) (not (dig "kafka" "bootstrap_servers" "" $config)) }}
networkPolicy.kafka.ports: must be set, because the chart cannot read the ConfigMap {{ . }}
{{- end -}}
{{- end -}}
{{- range $path, $what := ternary dict $required (not (empty (.Values.existingConfigMap).name)) -}}
{{- $parts := splitList "." $path -}}
{{- if not (dig (first $parts) (last $parts) "" $config) }}
{{ $place }}{{ $path }}: is not set; {{ $what }}
{{- end -}}
{{- end -}}
{{- $group := dig "kafka" "group_id" "" $config | toString -}}
{{- if and $group (not (regexMatch "^\\S(.*\\S)?$" $group)) }}
{{ $place }}kafka.group_id: must not begin or end with white space; remove it
{{- end -}}
{{- $properties := dig "kafka" "properties" dict $config -}}
{{- if and (kindIs "map" $properties) (hasKey $properties "group.instance.id") }}
{{ $place }}kafka.properties.group.instance.id: would make every replica the same member; remove it, `workload: StatefulSet` gives each its own
{{- end -}}
{{- $listen := dig "observability" "listen" "0.0.0.0:9464" $config | toString -}}
{{- if not (include "track-bridge.port" .) }}
{{ $place }}observability.listen: must end with a port such as :9464, which the probes and the Service need to know
{{- else if gt (include "track-bridge.port" . | int64) 65535 }}
{{ $place }}observability.listen: is {{ $listen }}, and ports end at 65535; write one such as :9464
{{- else if eq (include "track-bridge.port" . | int64) 0 }}
{{ $place }}observability.listen: is {{ $listen }}, a port that the system chooses at each start; the probes and the Service need to know it, so write one such as :9464
{{- else if regexMatch "^(127\\.|localhost|\\[::1\\])" $listen }}
{{ $place }}observability.listen: is {{ $listen }}, where the kubelet's probes cannot reach it; remove it or write 0.0.0.0:9464
{{- end -}}
{{- end -}}

{{/* What Helm's YAML 1.1 has made of a word that is a text to the bridge, as far as that can be seen afterwards. */}}
{{- define "track-bridge.problems.readings" -}}
{{- if not .Values.configFile -}}
{{- $common := list "occurred_at" "event_id" -}}
{{- $config := .Values.config | default dict -}}
{{- $mapping := get $config "mapping" | default dict -}}
{{- $common = concat $common (get $mapping "common_metadata" | default dict | keys) -}}
{{- range get $mapping "per_topic" | default dict }}{{ $common = concat $common (get (. | default dict) "common_metadata" | default dict | keys) }}{{ end -}}
{{- include "track-bridge.readings" (dict "path" "config" "key" "" "node" $config "common" $common) -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.readings" -}}
{{- $path := .path -}}
{{- $common := .common -}}
{{- $key := .key -}}
{{- $isExample := hasPrefix "config.mapping.examples" $path -}}
{{- if kindIs "map" .node -}}
  {{- range $below, $value := .node -}}
    {{- $here := printf "%s.%s" $path $below -}}
    {{- if has $below (list "true" "false") }}
{{ $path }}: has the key {{ $below }}: Helm reads y, yes, on, n, no and off without quotes as {{ $below }}; put the key in quotes
    {{- else if and (has $key (list "metadata" "common_metadata")) (kindIs "bool" $value) (not $isExample) (not (has $below $common)) }}
{{ $here }}: is {{ $value }}, which leaves a key of common_metadata out, and there is none of that name; if it is a text such as no, put it in quotes
    {{- else if and (has $below (list "value" "default")) (kindIs "bool" $value) (hasPrefix "config.mapping" $path) (not $isExample) }}
{{ $here }}: is {{ $value }}, and Helm reads y, yes, on, n, no and off without quotes as booleans too; put a text in quotes, or write a boolean as {path: "`{{ $value }}`"}
    {{- else }}
      {{- include "track-bridge.readings" (dict "path" $here "key" $below "node" $value "common" $common) -}}
    {{- end -}}
  {{- end -}}
{{- else if kindIs "slice" .node -}}
  {{- range $place, $value := .node -}}
    {{- include "track-bridge.readings" (dict "path" (printf "%s[%d]" $path $place) "key" $key "node" $value "common" $common) -}}
  {{- end -}}
{{- else if kindIs "float64" .node -}}
  {{- if and (eq (floor .node) .node) (or (ge .node 9007199254740992.0) (le .node -9007199254740992.0)) }}
{{ $path }}: is a number of more digits than Helm keeps; put it in quotes
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.problems.secrets" -}}
{{- $config := include "track-bridge.config" . | fromJson -}}
{{- $place := ternary "config." "configFile: " (empty .Values.configFile) -}}
{{- $key := dig "track" "api_key" "" $config | default "" | toString -}}
{{- $file := dig "track" "api_key_file" "" $config | default "" | toString -}}
{{- if and $key (not (contains "${" $key)) }}
{{ $place }}track.api_key: would stand in a ConfigMap for everybody to read; put the key into a Secret and name it in apiKey.existingSecret
{{- end -}}
{{- if and .Values.apiKey.existingSecret .Values.apiKey.value }}
apiKey.value: must not be set beside apiKey.existingSecret; remove one of the two
{{- else if and (or .Values.apiKey.existingSecret .Values.apiKey.value) $file (not (contains "${" $file)) }}
{{ $place }}track.api_key_file: must not be set beside apiKey, which mounts a file of its own; remove one of the two
{{- else if not (or (.Values.existingConfigMap).name .Values.apiKey.existingSecret .Values.apiKey.value $file $key (include "track-bridge.hasKeyVariable" .)) }}
apiKey.existingSecret: is not set; name the Secret that holds the API key (or, where something else mounts the key, set config.track.api_key_file)
{{- end -}}
{{- $credentials := .Values.kafkaCredentials -}}
{{- if and $credentials.existingSecret $credentials.values }}
kafkaCredentials.values: must not be set beside kafkaCredentials.existingSecret; remove one of the two
{{- else if and $credentials.existingSecret (not $credentials.files) }}
kafkaCredentials.files: is empty; say which property is in which key of {{ $credentials.existingSecret }}, such as {sasl.username: username, sasl.password: password}
{{- else if and $credentials.files (not $credentials.existingSecret) }}
kafkaCredentials.existingSecret: is not set; name the Secret that holds the keys of kafkaCredentials.files
{{- end -}}
{{- range $name := list "kafkaCa" "apiCa" -}}
{{- $source := get $.Values $name -}}
{{- if and $source.existingSecret $source.existingConfigMap }}
{{ $name }}.existingConfigMap: must not be set beside {{ $name }}.existingSecret; remove one of the two
{{- end -}}
{{- end -}}
{{- $names := concat (keys ($credentials.files | default dict)) (keys ($credentials.values | default dict)) -}}
{{- range $section := list "kafka" "dead_letter" -}}
{{- $properties := dig $section "properties" dict $config -}}
{{- if kindIs "map" $properties -}}
{{- range $name, $value := $properties -}}
{{- if and (regexMatch "password|secret|key[.]pem|private[.]key|oauthbearer[.]config" $name) (not (hasSuffix ".location" $name)) (not (hasSuffix "_file" $name)) (not (contains "${" (toString $value))) }}
{{ $place }}{{ $section }}.properties.{{ $name }}: would stand in a ConfigMap for everybody to read; put it into a Secret and name it in kafkaCredentials
{{- end -}}
{{- if has (trimSuffix "_file" $name) $names }}
{{ $place }}{{ $section }}.properties.{{ $name }}: must not be set beside kafkaCredentials, which sets it too; remove one of the two
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $properties := dig "kafka" "properties" dict $config -}}
{{- if and (kindIs "map" $properties) (empty .Values.extraEnv) (empty .Values.extraEnvFrom) -}}
{{- $protocol := get $properties "security.protocol" | default "" | toString | lower -}}
{{- $mechanism := get $properties "sasl.mechanism" | default (get $properties "sasl.mechanisms") | default "" | toString | upper -}}
{{- if and (hasPrefix "sasl" $protocol) (has $mechanism (list "PLAIN" "SCRAM-SHA-256" "SCRAM-SHA-512")) (not (has "sasl.password" $names)) (not (hasKey $properties "sasl.password")) (not (hasKey $properties "sasl.password_file")) }}
kafkaCredentials.existingSecret: is not set, and {{ $place }}kafka.properties asks for {{ $mechanism }}; name the Secret that holds the password, and its key in kafkaCredentials.files
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether a variable of the user's holds the API key or names its file. */}}
{{- define "track-bridge.hasKeyVariable" -}}
{{- range .Values.extraEnv }}{{ if hasPrefix "BRIDGE_TRACK__API_KEY" .name }}yes{{ end }}{{ end -}}
{{- end -}}

{{- define "track-bridge.problems.times" -}}
{{- $place := ternary "config." "configFile: " (empty .Values.configFile) -}}
{{- $drain := include "track-bridge.drainSeconds" . -}}
{{- $timeout := include "track-bridge.seconds" (dig "track" "timeout" "10s" (include "track-bridge.config" . | fromJson)) -}}
{{- $isGiven := not (kindIs "invalid" .Values.terminationGracePeriodSeconds) -}}
{{- if and (not (include "track-bridge.preStopSeconds" .)) (not $isGiven) }}
terminationGracePeriodSeconds: must be set, because lifecycle.preStop does not say how long it takes, and Kubernetes counts it in; give it that and {{ with $drain }}{{ add (int64 .) 25 }}{{ else }}45{{ end }} seconds
{{- else if and (not $drain) (not $isGiven) }}
terminationGracePeriodSeconds: must be set, because {{ $place }}kafka.drain_timeout is a reference that only the bridge resolves; give it 25 seconds more than that
{{- else if and $drain $isGiven (lt (int64 .Values.terminationGracePeriodSeconds) (include "track-bridge.leastGrace" . | int64)) }}
terminationGracePeriodSeconds: is {{ int64 .Values.terminationGracePeriodSeconds }}, less than {{ with include "track-bridge.preStopSeconds" . }}{{ if ne . "0" }}lifecycle.preStop ({{ . }} s), {{ end }}{{ end }}kafka.drain_timeout ({{ $drain }} s) and 25 seconds for the last commit: events would be sent twice after every stop; set at least {{ include "track-bridge.leastGrace" . }}, or remove it
{{- end -}}
{{- if and $drain $timeout (ge (int64 $timeout) (int64 $drain)) }}
{{ $place }}track.timeout: must be below kafka.drain_timeout ({{ $drain }} s), so that a request can end while its partition is still ours
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "BRIDGE_KAFKA__DRAIN_TIMEOUT" "BRIDGE_TRACK__TIMEOUT" "BRIDGE_OBSERVABILITY__LISTEN") }}
extraEnv: has {{ .name }}, which the chart would not see when it sets ports and times; set {{ $place }}{{ .name | trimPrefix "BRIDGE_" | lower | replace "__" "." }} instead
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.problems.scaling" -}}
{{- $config := include "track-bridge.config" . | fromJson -}}
{{- if and .Values.keda.enabled .Values.autoscaling.enabled }}
keda.enabled: must not be true beside autoscaling.enabled: two autoscalers would fight over the replicas; choose one
{{- end -}}
{{- range $name := list "keda" "autoscaling" -}}
{{- $scaler := get $.Values $name -}}
{{- if and $scaler.enabled (gt (int64 $scaler.minReplicas) (int64 $scaler.maxReplicas)) }}
{{ $name }}.minReplicas: is {{ int64 $scaler.minReplicas }}, more than {{ $name }}.maxReplicas ({{ int64 $scaler.maxReplicas }})
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (not .targetCPUUtilizationPercentage) (not .metrics) }}
autoscaling.metrics: is empty, and autoscaling.targetCPUUtilizationPercentage too; set one of them
{{- end -}}
{{- if and .enabled .targetCPUUtilizationPercentage (not (dig "requests" "cpu" "" ($.Values.resources | default dict))) }}
autoscaling.targetCPUUtilizationPercentage: is a share of resources.requests.cpu, which is not set; set it
{{- end -}}
{{- end -}}
{{- if .Values.keda.enabled -}}
{{- if and .Values.keda.prometheus.enabled (not .Values.keda.prometheus.serverAddress) }}
keda.prometheus.serverAddress: is not set; name the Prometheus that scrapes the bridge (keda.prometheus.enabled: false scales by lag alone, which adds replicas while the API is down or the budget is used up)
{{- end -}}
{{- if contains "${" (include "track-bridge.keda.bootstrapServers" .) }}
keda.kafka.bootstrapServers: must be set, because config.kafka.bootstrap_servers is a reference that only the bridge resolves
{{- end -}}
{{- if contains "${" (dig "kafka" "group_id" "" $config | toString) }}
config.kafka.group_id: is a reference that only the bridge resolves, and KEDA needs the name; write it out
{{- end -}}
{{- if contains "${" (include "track-bridge.keda.topics" .) }}
keda.kafka.topics: must be set, because config.kafka.topics has a reference that only the bridge resolves
{{- end -}}
{{- include "track-bridge.problems.kedaLogin" . -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.problems.kedaLogin" -}}
{{- $kafka := include "track-bridge.keda.kafka" . | fromJson -}}
{{- if and (not .Values.keda.kafka.authenticationRef) (hasKey $kafka.metadata "sasl") -}}
{{- $parameters := list -}}
{{- range concat $kafka.secrets $kafka.configMaps }}{{ $parameters = append $parameters .parameter }}{{ end -}}
{{- if eq ($kafka.metadata.sasl | default "") "aws_msk_iam" }}
keda.kafka.authenticationRef: must be set, because KEDA logs in at Amazon MSK with a role of its own; name a TriggerAuthentication with podIdentity aws
{{- else if or (empty $kafka.metadata.sasl) (not (has "username" $parameters)) (not (has "password" $parameters)) }}
keda.kafka.authenticationRef: must be set, because KEDA's way into Kafka does not follow from sasl.mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), sasl.username and kafkaCredentials; name a TriggerAuthentication
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "track-bridge.problems.pod" -}}
{{- $name := include "track-bridge.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
fullnameOverride: must be set, because {{ $name }}, made from the release and nameOverride, is no name of a Service (small letters, digits and dashes, a letter first)
{{- end -}}
{{- if not (regexMatch "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$" (include "track-bridge.name" .)) }}
nameOverride: is {{ .Values.nameOverride | quote }}, which is no value of a label; use letters, digits and dashes
{{- end -}}
{{- include "track-bridge.problems.member" . }}
{{- $config := include "track-bridge.config" . | fromJson -}}
{{- $place := ternary "config." "configFile: " (empty .Values.configFile) -}}
{{- $buffer := include "track-bridge.bytes" (dig "delivery" "max_buffered_bytes" "32MB" $config) -}}
{{- $limit := include "track-bridge.bytes" (dig "limits" "memory" "" (.Values.resources | default dict)) -}}
{{- if and $buffer $limit (le (int64 $limit) (int64 $buffer)) }}
resources.limits.memory: is {{ include "track-bridge.text" .Values.resources.limits.memory }}, not more than {{ $place }}delivery.max_buffered_bytes ({{ dig "delivery" "max_buffered_bytes" "32MB" $config }}), which the process may fill: it would be killed again and again; give it 128Mi more than that
{{- end -}}
{{- $endpoint := include "track-bridge.endpoint" . -}}
{{- if and (hasPrefix "http://" $endpoint) (not (dig "track" "allow_http" false $config)) (not (regexMatch "^http://(127(\\.[0-9]+){3}|([^/:]+\\.)?localhost|\\[::1\\])(:|/|$)" $endpoint)) }}
{{ $place }}track.endpoint: is {{ $endpoint }}, and the bridge sends no key without TLS; use https://, or set {{ $place }}track.allow_http where a proxy of yours encrypts
{{- end -}}
{{- include "track-bridge.problems.disruption" . }}
{{- $paths := list -}}
{{- range include "track-bridge.volumeMounts" . | fromYamlArray -}}
{{- $path := clean .mountPath -}}
{{- if has $path $paths }}
extraVolumeMounts: has {{ .mountPath }}, where something is mounted already; choose another path
{{- end -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- include "track-bridge.problems.socket" . }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
podMonitor.enabled: must not be true beside serviceMonitor.enabled: every sum would count each replica twice; choose one
{{- end -}}
{{- include "track-bridge.problems.jobLabel" . }}
{{- if and (.Values.httpRoute).enabled (not .Values.service.enabled) }}
httpRoute.enabled: needs service.enabled; set it
{{- end -}}
{{- if and (.Values.httpRoute).enabled (not (.Values.httpRoute).parentRefs) }}
httpRoute.parentRefs: is empty; name the Gateway, as in [{name: internal, namespace: gateways}]
{{- end -}}
{{- if and (.Values.grafanaDashboard.operator).enabled (not .Values.grafanaDashboard.enabled) }}
grafanaDashboard.operator.enabled: needs grafanaDashboard.enabled, which makes the ConfigMap it shows; set it
{{- end -}}
{{- if and (.Values.grafanaDashboard.operator).enabled (not (.Values.grafanaDashboard.operator).instanceSelector) }}
grafanaDashboard.operator.instanceSelector: is empty and would select every Grafana; name the labels of yours
{{- end -}}
{{- if and (.Values.networkPolicy.cilium).enabled (not .Values.networkPolicy.enabled) }}
networkPolicy.cilium.enabled: needs networkPolicy.enabled, which lets through the rest; set it
{{- end -}}
{{- $host := include "track-bridge.apiHost" . -}}
{{- if and (.Values.networkPolicy.cilium).enabled (or (not $host) (contains "${" $host)) }}
networkPolicy.cilium.enabled: needs config.track.endpoint written out, whose name it lets through
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) }}
serviceMonitor.enabled: needs service.enabled; set it, or use podMonitor
{{- end -}}
{{- $taken := list "config" "tmp" -}}
{{- range (include "track-bridge.mounts" (list . "") | fromJson).mounts }}{{ $taken = append $taken .name }}{{ end -}}
{{- range .Values.extraVolumes -}}
{{- if has .name $taken }}
extraVolumes: has {{ .name }}, a name the chart uses; choose another one
{{- end -}}
{{- $taken = append $taken .name -}}
{{- end -}}
{{- end -}}

{{/*
The root filesystem is read-only unless somebody says otherwise, and the bridge makes a directory for its socket alone: what is mounted can be
entered by others.
*/}}
{{- define "track-bridge.problems.socket" -}}
{{- $place := ternary "config." "configFile: " (empty .Values.configFile) -}}
{{- $socket := dig "observability" "control_socket" "auto" (include "track-bridge.config" . | fromJson) | toString -}}
{{- $writable := not (dig "readOnlyRootFilesystem" false (.Values.securityContext | default dict)) -}}
{{- range include "track-bridge.volumeMounts" . | fromYamlArray -}}
{{- if and (not .readOnly) (eq (clean .mountPath) (dir (dir $socket))) }}{{ $writable = true }}{{ end -}}
{{- end -}}
{{- if and (hasPrefix "/" $socket) (not $writable) }}
{{ $place }}observability.control_socket: is {{ $socket }}, for which no directory can be made in something that is mounted; remove it, or write a path such as /tmp/bridge/control.sock
{{- end -}}
{{- end -}}

{{/* Two members of one group with one id take each other's place for ever: Kafka ends the older one, which starts again. */}}
{{- define "track-bridge.problems.member" -}}
{{- $id := .Values.groupInstanceId -}}
{{- if and $id (ne .Values.workload "StatefulSet") }}
groupInstanceId: is set, and only the pods of a StatefulSet have names that last; set workload: StatefulSet, or remove it
{{- else if and $id (not (contains "$(POD_NAME)" $id)) }}
groupInstanceId: is {{ $id }}, which would make every replica the same member; it must contain $(POD_NAME)
{{- else if and $id (not (regexMatch "^[-._a-zA-Z0-9]+$" ($id | replace "$(POD_NAME)" "" | replace "$(POD_NAMESPACE)" "" | printf "a%s"))) }}
groupInstanceId: is {{ $id }}, and Kafka takes letters, digits, dots, dashes and underscores beside $(POD_NAME) and $(POD_NAMESPACE) only
{{- end -}}
{{- $several := or (eq (toString .Values.keda.enabled) "true") .Values.autoscaling.enabled (gt (int64 .Values.replicaCount) 1) -}}
{{- range .Values.extraEnv -}}
{{- if and $several (eq .name "BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID") (hasKey . "value") (not (contains "$(" (.value | default ""))) }}
extraEnv: has {{ .name }} with the value {{ .value }}, which would make every replica the same member; use groupInstanceId with workload: StatefulSet
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A budget that lets no pod go blocks the drain of every node one stands on. Kubernetes rounds both percentages up: 51% of 2 must stay are both,
1% of 2 may go is one.
*/}}
{{- define "track-bridge.problems.disruption" -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- $replicas := include "track-bridge.leastReplicas" . | int64 -}}
{{- if and $budget.enabled (gt $replicas 0) -}}
{{- if not (kindIs "invalid" $budget.minAvailable) -}}
{{- if ge (include "track-bridge.podsOf" (list $budget.minAvailable $replicas) | int64) $replicas }}
podDisruptionBudget.minAvailable: is {{ include "track-bridge.text" $budget.minAvailable }} of {{ $replicas }} replicas, so that no node one stands on could ever be drained; set less, or use maxUnavailable
{{- end -}}
{{- else if kindIs "invalid" $budget.maxUnavailable }}
podDisruptionBudget.maxUnavailable: is not set, and minAvailable neither; set one of them, or enabled: false
{{- else if eq (include "track-bridge.podsOf" (list $budget.maxUnavailable $replicas) | int64) 0 }}
podDisruptionBudget.maxUnavailable: is {{ include "track-bridge.text" $budget.maxUnavailable }}, so that no node a replica stands on could ever be drained; set 1
{{- end -}}
{{- end -}}
{{- end -}}

{{/* How many pods a number or a percentage is, called with (list VALUE REPLICAS). */}}
{{- define "track-bridge.podsOf" -}}
{{- $value := index . 0 -}}
{{- if kindIs "string" $value -}}
{{- divf (mulf (trimSuffix "%" $value | float64) (index . 1)) 100.0 | ceil | int64 -}}
{{- else -}}
{{- int64 $value -}}
{{- end -}}
{{- end -}}

{{/*
The alerts know their targets by a job of this release's name, which is another where a label's value becomes the job. Where nothing has the
label, the job stays what it is.
*/}}
{{- define "track-bridge.problems.jobLabel" -}}
{{- $labels := dict "serviceMonitor" (include "track-bridge.serviceLabels" . | fromYaml) "podMonitor" (include "track-bridge.allPodLabels" . | fromYaml) -}}
{{- range $name := list "serviceMonitor" "podMonitor" -}}
{{- $monitor := get $.Values $name -}}
{{- $fullname := include "track-bridge.fullname" $ -}}
{{- $job := get (get $labels $name) ($monitor.jobLabel | default "") | default $fullname -}}
{{- if and $.Values.prometheusRule.enabled (not $.Values.prometheusRule.selector) $monitor.enabled (ne $job $fullname) }}
prometheusRule.selector: must be set, because {{ $name }}.jobLabel makes the value of {{ $monitor.jobLabel }} the job, and {{ $job }} is none that the alerts know; write the matchers, as in namespace="{{ include "track-bridge.namespace" $ }}",job="{{ $job }}"
{{- end -}}
{{- end -}}
{{- end -}}
