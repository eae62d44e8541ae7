{{- define "psups.egressToDns" -}}
- to:
    {{- toYaml .Values.dns.egress | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{- define "psups.egressToDatabase" -}}
- ports:
    - {protocol: TCP, port: {{ .Values.database.port }}}
  {{- with .Values.database.egress }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /*
A rule: dict root, way (from or to), ports, and whom: names (components of this release), peers (as
NetworkPolicyPeer). Nothing if that is nobody: an empty list would mean everybody.
*/ -}}
{{- define "psups.rule" -}}
{{- if or .names .peers -}}
- {{ .way }}:
    {{- range .names }}
    - podSelector:
        matchLabels:
          {{- include "psups.selector" (dict "root" $.root "name" .) | nindent 10 }}
    {{- end }}
    {{- with .peers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* Several of them, given as `rules`, each without root and way; they stand above. */ -}}
{{- define "psups.rules" -}}
{{- $texts := list -}}
{{- range .rules -}}
{{- $texts = append $texts (include "psups.rule" (merge . (omit $ "rules"))) -}}
{{- end -}}
{{- compact $texts | join "\n" | default "[]" -}}
{{- end -}}

{{- /* The head of a NetworkPolicy: dict root, name. */ -}}
{{- define "psups.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "psups.fullname" .root }}-{{ .name }}
  labels:
    {{- include "psups.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "psups.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}
