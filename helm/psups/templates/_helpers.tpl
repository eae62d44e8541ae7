{{- /* The release's name with "psups" in it; short enough for the longest name behind it. */ -}}
{{- define "psups.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "psups" $name) }}{{ $name = printf "%s-psups" $name }}{{ end -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* What selects a component's pods: dict root, name. It must never change. */ -}}
{{- define "psups.selector" -}}
app.kubernetes.io/name: psups
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "psups.labels" -}}
{{ include "psups.selector" . }}
app.kubernetes.io/part-of: psups
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* An image's full name: dict root, name. */ -}}
{{- define "psups.image" -}}
{{- $image := .root.Values.image -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
psups/{{ .name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- /* What a pod is and may do: dict root, name, grace. */ -}}
{{- define "psups.pod" -}}
serviceAccountName: {{ include "psups.fullname" .root }}-{{ .name }}
automountServiceAccountToken: false
# The variables that Kubernetes would add are settings that no service knows.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "psups.container" -}}
name: {{ .name }}
image: {{ include "psups.image" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: ["/psups/bin/{{ .name }}"]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* How a role reaches PostgreSQL, without its password: dict root, role. */ -}}
{{- define "psups.databaseUrl" -}}
{{- $database := .root.Values.database -}}
{{- $mode := $database.sslMode -}}
{{- $host := required "database.host: not set; want the host name of PostgreSQL" $database.host -}}
{{- if and (hasPrefix "verify-" $mode) (not $database.ca.existingSecret) -}}
{{- $problem := "database.ca.existingSecret: not set; want the Secret with ca.crt for" -}}
{{- fail (printf "%s sslMode %s" $problem $mode) -}}
{{- end -}}
postgresql://{{ .role }}@{{ $host }}:{{ $database.port }}/{{ $database.name }}
{{- print "?sslmode=" $mode -}}
{{- if eq (include "psups.databaseHasCa" .root) "true" -}}
&sslrootcert=/etc/psups/database-ca/ca.crt
{{- end -}}
{{- end -}}

{{- define "psups.databaseHasCa" -}}
{{- and (ne .Values.database.sslMode "disable") (not (empty .Values.database.ca.existingSecret)) -}}
{{- end -}}

{{- /* Its certificate's authority, as a map of one of psups.secretFiles' files, or none. */ -}}
{{- define "psups.databaseCa" -}}
{{- if eq (include "psups.databaseHasCa" .) "true" -}}
{{- $secret := .Values.database.ca.existingSecret }}
ca: {directory: database-ca, key: ca.crt, existingSecret: {{ $secret | quote }}}
{{- end -}}
{{- end -}}

{{- /* The files from Secrets that every service of that use is given, as psups.secretFiles. */ -}}
{{- define "psups.givenFiles" -}}
{{- $values := .root.Values -}}
{{- $tls := .service.tls.existingSecret -}}
{{- $door := $values.webhook.tls.existingSecret -}}
PSUPS_DATABASE_PASSWORD_FILE:
  {directory: database, key: {{ .name }}, file: password,
   existingSecret: {{ $values.database.existingSecret | quote }}}
PSUPS_TLS_CERT_FILE: {directory: tls, existingSecret: {{ $tls | quote }}, key: tls.crt}
PSUPS_TLS_KEY_FILE: {directory: tls, existingSecret: {{ $tls | quote }}, key: tls.key}
PSUPS_TLS_CA_FILE: {directory: tls, existingSecret: {{ $tls | quote }}, key: ca.crt}
{{- if has "key" .service.uses }}
PSUPS_KEY_FILE:
  {directory: key, key: keys.json, existingSecret: {{ $values.key.existingSecret | quote }}}
{{- end }}
{{- if has "checkpoint" .service.uses }}
PSUPS_CHECKPOINT_KEY_FILE:
  {directory: checkpoint, key: checkpoint.key,
   existingSecret: {{ $values.checkpoint.existingSecret | quote }}}
{{- end }}
{{- if has "webhook" .service.uses }}
PSUPS_WEBHOOK_TLS_CERT_FILE:
  {directory: webhook-tls, key: tls.crt, existingSecret: {{ $door | quote }}}
PSUPS_WEBHOOK_TLS_KEY_FILE:
  {directory: webhook-tls, key: tls.key, existingSecret: {{ $door | quote }}}
PSUPS_WEBHOOK_CLIENT_SECRET_FILE:
  {directory: webhook, key: client-secret,
   existingSecret: {{ $values.webhook.existingSecret | quote }}}
{{- end }}
{{- end -}}

{{- /*
The files from Secrets of a service, as YAML: a map from the setting that names the file to its
directory below /etc/psups, its Secret, its key and, if it is called otherwise than that, the file.
dict root, name, service.
*/ -}}
{{- define "psups.secretFiles" -}}
{{- $files := include "psups.givenFiles" . | fromYaml -}}
{{- range $setting, $file := .service.secretFiles -}}
{{- if hasKey $files $setting -}}
{{- fail (printf "services.%s.secretFiles.%s: the chart sets it; see uses" $.name $setting) -}}
{{- end -}}
{{- $directory := $setting | trimPrefix "PSUPS_" | lower | replace "_" "-" -}}
{{- $_ := set $files $setting (merge (dict "directory" $directory) $file) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{- /* The settings that every service of that kind is given, as YAML. */ -}}
{{- define "psups.givenSettings" -}}
{{- $values := .root.Values -}}
{{- $ports := .service.ports -}}
{{- $role := .name | replace "-" "_" -}}
PSUPS_DATABASE_URL: {{ include "psups.databaseUrl" (dict "root" .root "role" $role) | quote }}
PSUPS_GRPC_LISTEN: "0.0.0.0:{{ $ports.grpc }}"
PSUPS_METRICS_LISTEN: "0.0.0.0:{{ $ports.metrics }}"
PSUPS_HEALTH_LISTEN: "0.0.0.0:{{ $ports.health }}"
{{- range .service.calls }}
{{- $host := printf "%s-%s" (include "psups.fullname" $.root) . }}
{{- $port := (get $values.services .).ports.grpc }}
PSUPS_{{ . | upper | replace "-" "_" }}_ADDR: "{{ $host }}:{{ $port }}"
{{- end }}
{{- if has "webhook" .service.uses }}
{{- $door := $values.webhook }}
{{- $noId := "webhook.clientId: not set; want what UPS shows at /oauth/token" }}
{{- $noKeys := "webhook.apiKeys: empty; want the client ids of the UPS apps that push" }}
PSUPS_WEBHOOK_LISTEN: "0.0.0.0:{{ $ports.webhook }}"
PSUPS_WEBHOOK_CLIENT_ID: {{ required $noId $door.clientId | quote }}
PSUPS_WEBHOOK_API_KEYS: {{ required $noKeys (join "," $door.apiKeys) | quote }}
{{- end }}
{{- end -}}

{{- /* The settings of a service that name no secret, as YAML: dict root, name, service. */ -}}
{{- define "psups.settings" -}}
{{- $settings := include "psups.givenSettings" . | fromYaml -}}
{{- range $setting, $value := .service.env -}}
{{- if hasKey $settings $setting -}}
{{- fail (printf "services.%s.env.%s: the chart sets it" $.name $setting) -}}
{{- end -}}
{{- $_ := set $settings $setting $value -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- /* The volumes of a list of files as psups.secretFiles has them, one for each directory. */ -}}
{{- define "psups.secretVolumes" -}}
{{- $directories := dict -}}
{{- range . -}}
{{- $new := dict "existingSecret" .existingSecret "paths" dict -}}
{{- $one := get $directories .directory | default $new -}}
{{- $_ := set $one.paths .key (.file | default .key) -}}
{{- $_ := set $directories .directory $one -}}
{{- end -}}
{{- range $directory, $one := $directories }}
- name: {{ $directory }}
  secret:
    secretName: {{ $one.existingSecret | quote }}
    defaultMode: 0440
    items:
      {{- range $key, $path := $one.paths }}
      - key: {{ $key | quote }}
        path: {{ $path | quote }}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "psups.secretMounts" -}}
{{- $directories := list -}}
{{- range . }}{{ $directories = append $directories .directory | uniq }}{{ end -}}
{{- range sortAlpha $directories }}
- name: {{ . }}
  mountPath: /etc/psups/{{ . }}
  readOnly: true
{{- end }}
{{- end -}}
