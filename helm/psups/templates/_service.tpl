{{- define "psups.sandboxFiles" -}}
{{- $tls := .service.tls.existingSecret -}}
config:
  {directory: config, key: {{ .name }}.json,
   existingSecret: {{ .root.Values.sandbox.existingSecret | quote }}}
certificate: {directory: tls, existingSecret: {{ $tls | quote }}, key: tls.crt}
key: {directory: tls, existingSecret: {{ $tls | quote }}, key: tls.key}
# Who signs tracking-sync's certificate.
authority: {directory: tls, existingSecret: {{ $tls | quote }}, key: ca.crt}
{{- end -}}

{{- /*
Everything that runs one service: dict root, name, service. A sandbox is one too: it has an `api`
port, is set up by a file, and keeps its state in memory, so there is never a second one.
*/ -}}
{{- define "psups.service" -}}
{{- $fullname := printf "%s-%s" (include "psups.fullname" .root) .name -}}
{{- $sandbox := hasKey .service.ports "api" -}}
{{- $replicas := .service.replicas | default 1 -}}
{{- $settings := dict -}}
{{- $secrets := dict -}}
{{- $files := list -}}
{{- if $sandbox -}}
{{- $files = include "psups.sandboxFiles" . | fromYaml | values -}}
{{- else -}}
{{- $settings = include "psups.settings" . | fromYaml -}}
{{- $secrets = include "psups.secretFiles" . | fromYaml -}}
{{- range $setting, $file := $secrets -}}
{{- if hasKey $settings $setting -}}
{{- fail (printf "services.%s.env.%s: a file; name it in secretFiles" $.name $setting) -}}
{{- end -}}
{{- $path := printf "/etc/psups/%s/%s" $file.directory ($file.file | default $file.key) -}}
{{- $_ := set $settings $setting $path -}}
{{- $files = append $files $file -}}
{{- end -}}
{{- $files = include "psups.databaseCa" .root | fromYaml | values | concat $files -}}
{{- end -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "psups.labels" . | nindent 4 }}
automountServiceAccountToken: false
---
# Headless, so that a client sees every pod that is ready, and takes them in turn.
apiVersion: v1
kind: Service
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "psups.labels" . | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: false
  selector:
    {{- include "psups.selector" . | nindent 4 }}
  ports:
    {{- range $port, $number := omit .service.ports "health" }}
    - name: {{ $port }}
      port: {{ $number }}
      targetPort: {{ $port }}
    {{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "psups.labels" . | nindent 4 }}
spec:
  replicas: {{ $replicas }}
  revisionHistoryLimit: 3
  strategy:
    {{- if $sandbox }}
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    {{- end }}
  selector:
    matchLabels:
      {{- include "psups.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "psups.labels" . | nindent 8 }}
    spec:
      {{- include "psups.pod" . | nindent 6 }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "psups.selector" $ | nindent 14 }}
        {{- end }}
      containers:
        - {{ include "psups.container" . | indent 10 | trim }}
          {{- if $sandbox }}
          args: [--config, /etc/psups/config/{{ .name }}.json, --ready-file, /tmp/ready.json]
          {{- else }}
          env:
            {{- range $setting, $value := $settings }}
            - name: {{ $setting }}
              value: {{ $value | quote }}
            {{- end }}
          {{- end }}
          ports:
            {{- range $port, $number := .service.ports }}
            - name: {{ $port }}
              containerPort: {{ $number }}
            {{- end }}
          {{- if $sandbox }}
          readinessProbe:
            tcpSocket:
              port: api
            periodSeconds: 5
          livenessProbe:
            tcpSocket:
              port: api
            periodSeconds: 10
            failureThreshold: 6
          {{- else }}
          # Until it answers at all: 60 s. Then: is its database there; does the process live.
          startupProbe:
            grpc:
              port: {{ .service.ports.health }}
              service: live
            periodSeconds: 2
            failureThreshold: 30
          readinessProbe:
            grpc:
              port: {{ .service.ports.health }}
            periodSeconds: 5
            timeoutSeconds: 2
            failureThreshold: 2
          livenessProbe:
            grpc:
              port: {{ .service.ports.health }}
              service: live
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          {{- end }}
          resources:
            {{- toYaml .service.resources | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- include "psups.secretMounts" $files | trim | nindent 12 }}
      volumes:
        - name: tmp
          emptyDir:
            medium: Memory
            sizeLimit: 16Mi
        {{- include "psups.secretVolumes" $files | trim | nindent 8 }}
{{- if gt (int $replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $fullname }}
  labels:
    {{- include "psups.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "psups.selector" . | nindent 6 }}
{{- end }}
{{- end -}}
