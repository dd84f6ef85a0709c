{{/*
Who is there, on which networks of the Compose file, and whom each calls. These are facts of the code, not preferences:
a service's calls are the doors it is handed (src/upthread/fleet.py) and the receivers of its facts.
*/}}
{{- define "upthread.topology" -}}
ui: {port: 9292, networks: [front], calls: [post, comment, account]}
post: {port: 5000, networks: [front, back], calls: [comment, account], database: true}
comment: {port: 9292, networks: [front, back], calls: [post, account], database: true}
account: {port: 9293, networks: [front, back], calls: [post, comment], database: true}
{{- end }}

{{/* The keys of the Secret that a service gets, by the settings they are for. */}}
{{- define "upthread.secrets" -}}
UPTHREAD_CALL_SECRET: call_secret
{{- if eq . "ui" }}
UPTHREAD_SECRET: site_secret
{{- else }}
{{ upper . }}_DATABASE_URL: {{ . }}_database_url
{{- end }}
{{- end }}

{{/* The networks themselves. From an internal one no way leads into the world. */}}
{{- define "upthread.networkFacts" -}}
front: {internal: false}
back: {internal: true}
{{- end }}

{{- define "upthread.name" -}}
{{- if contains "upthread" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-upthread{{ end }}
{{- end }}

{{/* What selects the pods of one component: a list of the root and the component's name. */}}
{{- define "upthread.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: upthread
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "upthread.labels" -}}
{{- $root := index . 0 -}}
{{ include "upthread.selector" . }}
app.kubernetes.io/part-of: upthread
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{/* The labels by which NetworkPolicies know the members of a network. */}}
{{- define "upthread.networks" -}}
{{- range . }}
upthread/{{ . }}-net: member
{{- end }}
{{- end }}

{{- define "upthread.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "upthread.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
