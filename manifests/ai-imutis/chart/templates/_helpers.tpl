{{/*
The recommended labels. Of a map with `root`, `name`, `component`, and for images `version`, for what is no workload's `whole`.
*/}}
{{- define "ai-imutis.labels" -}}
{{- $environment := required "environment must be given: take values-dev.yaml or values-prod.yaml" .root.Values.environment }}
{{- if not .whole }}
app: {{ .name }}
{{- end }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: ai-imutis-{{ $environment }}
{{- with .version }}
app.kubernetes.io/version: {{ . | quote }}
{{- end }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: ai-imutis
app.kubernetes.io/managed-by: deployctl
{{- end }}

{{/*
What every container may not do.
*/}}
{{- define "ai-imutis.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
