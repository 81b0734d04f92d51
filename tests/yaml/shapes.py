#!/usr/bin/env python3
"""Prints, as JSON, shapes of documents with what kubectl reads from each: null where it refuses.

    tests/yaml/shapes.py > tests/yaml/shapes.json

KUBECTL names the kubectl to ask. Nothing is sent to a cluster.
"""
import json, os, subprocess, sys, tempfile

H="apiVersion: example.test/v1\nkind: Sample\nmetadata:\n  name: s\n"
shapes={}
def spec(name, body): shapes[name]=H+body if body.startswith("spec") else H+"spec:\n"+body
def add(prefix, bodies):
    for i,b in enumerate(bodies): spec(f"{prefix}-{i:02}", b)
add("dq",[
'spec: {a: "one\n  two"}\n',
'  a: "one\ntwo"\n',
'  a: "one\n two"\n',
'  a: "one\n\n  two"\n',
'  a: "one  \n  two"\n',
'  a: "one\\\n  two"\n',
'  a: "one \\\n  two"\n',
'  a: "one\\\n  \\  two"\n',
'  a: "one\n\ttwo"\n',
'  a: "one\t\n\ttwo"\n',
'  a: "\n  one\n  two\n"\n',
'  a: "\n\n  one\n\n\n  two\n\n  "\n',
'  a: "one # two\n  # three"\n',
'  a: "one: two\n  three: four"\n',
'  a: "\\x41\\u00e9\\U0001F600\\e\\0\\a\\b\\v\\f\\r\\t\\n\\/\\\\\\"\\N\\_\\L\\P\\ "\n',
'  a: "\\\'"\n',
'  a: "tab\there"\n',
'  a: "-\n-\n"\n',
'  a: "{\n  \\"a\\": 1,\n  \\"b\\": [1]\n}"\n',
'  a: "---x\n  y"\n',
'  a: "x"# comment\n',
'  a: "x" # comment\n',
'  - "one\n    two"\n  - "three\n\n    four"\n',
'  "a b": 1\n  "c\\td": 2\n',
'  "a"   : 1\n',
'  a: "one\r\n  two"\r\n',
'  a: "é ü 中文 😀"\n',
'  a: "a\u0085b\u2028c\u2029d"\n',
'  a: "a\ufeffb\u200bc"\n',
'  a: ["one\n  two", "three\nfour"]\n',
'  a: {"b": "one\n  two", "c": "d"}\n',
'  a: ""\n  b: " "\n  c: "\n"\n',
'  a: "trailing \\ \n  x"\n',
'  a: "one\n\\n\n  two"\n',
'  a:\n    "one\n    two"\n',
'  a:\n    "one"\n  b: 2\n',
'  a: "x\\\r\n    y"\r\n',
'  a: "x\ry"\n',
'  args: ["--flag=a,b", "--x=\\"y\\"", \'--z=$(A)\']\n',
])
add("sq",[
"  a: 'one\n  two'\n","  a: 'one\ntwo'\n","  a: 'one\n\n\n  two'\n","  a: 'it''s\n  here'\n","  a: 'one \\n two'\n",
"  a: 'one\t\n\ttwo '\n","  a: '\n  one\n  '\n","  a: 'x'#c\n","  a: 'a: b # c'\n","  - 'one\n  two'\n","  a: ''\n  b: ' '\n  c: ''''\n",
"  a: '{\"x\": 1,\n  \"y\": 2}'\n","  'a''b': 1\n","  a: ['x\n  y', 'z']\n","  a: 'sum(rate(x{job=\"y\"}[5m]))\n    > 0.5'\n","  a: 'one\r\n  two'\r\n",
"  a: '\"'\n","  a: 'a\u0085b\u2028c'\n", "  a:\n  'x\n  y'\n", "  a: '\n\n\n'\n",
])
add("plain",[
"  a: one\n    two\n","  a: one\n\n    two\n","  a: one\n   two # c\n","  a: one two  \n","  a: one\n    - two\n","  a: one\n    two: three\n" ,"  a: http://x.y:80/z?a=b&c=d#e\n",
"  a: b#c\n","  a: b #c\n","  a: -x\n  b: --x\n  c: ?x\n  d: :x\n","  a: x-\n  b: x:y\n  c: x:y:z\n  d: x::y\n","  a: $(X) ${Y} {{ .z }}\n","  a: {{ .x }}\n","  a: x, y\n  b: x] y}\n  c: x[0] {y\n",
"  a: 10.0.0.0/8\n  b: 1.2.3\n  c: 1.20\n  d: v1\n","  a: @x\n","  a: `x`\n","  a: %x\n","  a: x%\n","  a: !x y\n","  a: *x\n","  a: &x y\n  b: *x\n","  a: |x\n","  a: >x\n",
"  a: one\n\ttwo\n","  a: one\n  \ttwo\n","  a:\tx\n","  a: x\t# y\n","  a : x\n","  a:x\n","  a:\n    one\n    two\n\n    three\n  b: 1\n","  ? a\n  : b\n","  ? a\n","  ? - a\n  : b\n",
"  a: 'x' y\n","  a: \"x\" y\n","  a: x 'y'\n","  a: =\n  b: <<\n","  <<: {a: 1}\n  b: 2\n","  a: <\n  b: >=1\n  c: '>=1'\n","  a: ~\n  b:\n  c: null\n  d: Null\n","  -a: 1\n","  a/b.c: 1\n  a.b/c-d_e: 2\n",
"  1: a\n  1.5: b\n  true: c\n  0x10: d\n","  a: x\u00a0y\n","  a: x\u0085y\n","  a: \u2028x\n","  a: ...\n  b: ---\n  c: ... x\n","  a: [---]\n","  a: x\n ... y\n","  a: a\\nb\n  b: a\\\n","  a: \"a\" \n  b: 'b'\t\n","  a: one two\n  \n  b: three\n","  a: one\n    # c\n    two\n","  a: one\n  # c\n  b: two\n",
"  a: one:\n","  a: one: two\n","  a: 'x':\n", "  a: key=value,other=thing\n  b: a&&b || c; d\n","  a: sh -c 'x: y'\n","  a: * * * * *\n","  a: 0 3 * * *\n  b: '*/5 * * * *'\n  c: */5 * * * *\n","  a: @daily\n  b: '@daily'\n",
])
add("flow",[
"  a: [1, 2,\n    3]\n","  a: [\n    1,\n    2,\n  ]\n","  a: [\n1,\n2\n]\n","  a: {\n    b: 1,\n    c: 2,\n  }\n","  a: {\nb: 1\n}\n","  a: [a: b, c]\n","  a: [a, b: ]\n","  a: {a, b: 1}\n","  a: {a:1}\n","  a: {\"a\":1}\n","  a: {'a':1}\n","  a: {a: 1,}\n","  a: [,]\n","  a: [a,,b]\n",
"  a: []\n  b: {}\n","  a: [ ]\n  b: { }\n","  a: [x]# c\n","  a: [x] # c\n","  a: [x, # c\n    y]\n","  a: [x#y, z]\n","  a: [a b, c  d]\n","  a: [a\n    b, c]\n","  a: [http://x:80/y, a:b]\n","  a: {k: http://x:80}\n","  a: [? a : b]\n","  a: {? a : b}\n","  a: {a: [b, {c: [d]}]}\n","  a: [[1, 2], [3]]\n","  a: [-1, - 1]\n","  a: [-, x]\n","  a: [\"a\", 'b', c, 1, true, null, ~]\n","  a: [\t1,\t2\t]\n","  a: [\n\t1,\n\t2\n  ]\n","  a: {b: 1, b2: {c: }}\n","  a: {a: b, : c}\n","  a: [*x]\n","  x: &x {a: 1}\n  a: [*x, {<<: *x, b: 2}]\n","  a: [!!str 1, !!int \"2\"]\n","  a: {\n    \"b\": {\n      \"c\": [\n        1\n      ]\n    }\n  }\n","  a: [x\n  , y]\n","  a: {b\n  : c}\n","  a: {b:\n    c}\n","  a: {\"b\"\n  : c}\n","  - [a, b]\n  - {c: d}\n","  a: [b]\n  [c]: d\n","  {a: b}: c\n","  a: [%x]\n","  a: [x%y, $z, a=b]\n","  a: [a, b\n","  a: {a: {{x}}}\n","  a: [ {a: 1}, {b: 2} ]\n", "  matchExpressions: [{key: a, operator: In, values: [\"x\", y]}]\n","  a: {b: c d, e: 'f'}\n","  a: [x, y] z\n",
])
add("block",[
"  a: |\n    one\n    two\n","  a: |-\n    one\n\n","  a: |+\n    one\n\n\n  b: 1\n","  a: >\n    one\n    two\n\n    three\n","  a: >-\n    one\n      two\n    three\n","  a: >+\n    one\n\n","  a: |2\n      one\n    two\n","  a: |2-\n      one\n","  a: |-2\n      one\n","  a: | # c\n    one\n","  a: |# c\n    one\n","  a: |\n\n    one\n","  a: |\n      \n    one\n","  a: |\n     one\n    two\n","  a: |\n    one\n  \n    two\n","  a: |\n    one\n     \n    two\n","  a: |\n    \tone\n    two\t\n","  a: |\n    one\n   # c\n","  a: |\n    one\n  # c\n  b: 1\n","  a: |\n    # one\n","  a: |\n  b: 1\n","  a: |\n","  a: |-\n","  a: |+\n\n\n","  a: >\n\n    one\n\n\n    two\n","  a: >\n    one\n    \ttwo\n    three\n","  a: >\n      one\n      two\n\n        three\n\n\n      four\n","  a: |\r\n    one\r\n    two\r\n","  a: >\r\n    one\r\n    two\r\n","  - |\n    one\n  - >\n    two\n    three\n","  a:\n  - |\n   one\n  - x\n","  a: |1\n   one\n","  a: |9\n           one\n","  a: |0\n    one\n","  a: |\n    ---\n    x\n","  a: |\n    one\n    ...\n","  a: |  \n    one\n","  a: !!str |\n    1\n","  a: &x |\n    one\n  b: *x\n","  a: !!binary |\n    aGVsbG8=\n","  a: |\n    one", "  a: |-\n    one  \n","  a: |\n    one\u0085two\n    three\u2028four\n","  a: >\n    one\u0085two\n","  a: |\n    #!/bin/sh\n    set -e\n    if [ -n \"$X\" ]; then\n    \techo \"$X\"\n    fi\n","  a: >\n    folded\n     more\n    back\n\n    end\n\n\n","  a: |\n   \n  \n \n\n    one\n","  ? |\n    key\n  : v\n","  a: |\n\t\n    one\n", "  a: |\n    one\n\ttwo\n","  a: >-\n    sum by (x) (\n      rate(y[5m])\n    )\n    > 0\n","  a: |\n    \u00a0x\n", "  a: |\n    one\n    \n    \n", "  a: >-\n\n\n    one\n",
])
add("struct",[
"  a:\n  - b\n  - c\n","  a:\n    - b\n    -\n      c\n","  a:\n  -\n  - c\n","  - - a\n    - b\n  - - c\n","  -   a: 1\n      b: 2\n","  - a: 1\n    b: 2\n  - c\n","  -\ta\n","  a:\n  - b: 1\n    c:\n    - d\n    - e: 1\n","  a:\n      b: 1\n  c: 2\n","  a:\n      b: 1\n   c: 2\n","  a:\n    b: 1\n   c: 2\n","\n\n  a: 1\n\n\n  b: 2\n","  # c\n  a: 1\n # d\n  b: 2\n# e\n","  a: &x\n    b: 1\n  c:\n    <<: *x\n    d: 2\n","  a: &x [1]\n  b: *x\n","  a: &x\n  b: *x\n","  a: &x-1_y z\n  b: *x-1_y\n","  a: &x.y z\n  b: *x.y\n","  a: !foo b\n","  a: !foo\n    b: 1\n","  a: !!map {b: 1}\n  c: !!seq [1]\n","  a: !<tag:yaml.org,2002:str> 1\n","  a: !!set {b, c}\n","  a: !!omap [b: 1]\n","  a: !!timestamp 2001-01-01\n","  a: !!float 1\n","  a: !!null ''\n","  a: ! 1\n","  a: !!bool yes\n","  a: !!str\n","  a: !!int 0x10\n","  &k a: 1\n  b: *k\n","  a: 1\n  ? b\n  : c\n  ?  d\n","  - a\n  b: c\n","  a: b\n  - c\n","  a:\n  b:\n  c: d\n","  a: b\n    c: d\n","  a:\n  - b\n c: d\n","  \ta: b\n","\ta: b\n","  a:\n    \tb\n","  a: b\n\n  \n\t\n  c: d\n","  a: b\n\n    \n  c: d\n","  key with spaces: 1\n  key-\u00e9: 2\n","  a: {b: &y {c: 1}}\n  d: {<<: *y}\n  e: {<<: [*y, {z: 1}]}\n", "  a: !!merge x\n", "  a:    b\n","  a:\n\n\n    - b\n\n    - c\n", "  a: *undefined\n", "  a: [&x 1, *x]\n", "  - &x a\n  - *x\n  - &x b\n  - *x\n","  *x : 1\n","  a: &x b\n  *x : c\n","  a: &x b\n  *x: c\n",
])
add("public",[
# Rules, scripts, snippets and annotations as they are committed.
'  expr: "sum(rate(http_requests_total{job=\\"api\\",\n  code=~\\"5..\\"}[5m]))\n  / sum(rate(http_requests_total[5m])) > 0.05"\n',
'  groups:\n  - name: a\n    rules:\n    - alert: Down\n      expr: up == 0\n      for: 5m\n      labels: {severity: page}\n      annotations:\n        summary: "{{ $labels.instance }} is\n      down"\n',
'  annotations:\n    nginx.ingress.kubernetes.io/configuration-snippet: |\n      more_set_headers "X: y";\n      if ($host ~ "^a") { return 301 https://b$request_uri; }\n',
'  annotations: {"service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags": "a=b,c=d"}\n',
"  annotations:\n    cloud.google.com/neg: '{\"ingress\": true}'\n    x: '{\"exposed_ports\":\n    {\"80\": {}}}'\n",
'  command: ["/bin/sh", "-c", "set -e;\n    exec \\"$@\\"", "--"]\n',
"  command:\n  - sh\n  - -c\n  - 'while true; do\n  echo hi;\n  sleep 1;\n  done'\n",
'  command:\n  - sh\n  - -c\n  - "while true; do\n  echo hi; sleep 1; done"\n',
"  args:\n    - --a=b\n    - --c\n    - -d\n    - --e=\"f g\"\n    - --h='i'\n    - --\n    - '-'\n",
"  args: [--a=b, -c, --d={x}, '--e={y}']\n",
'  cert: "-----BEGIN CERTIFICATE-----\\nAAAA\\nBBBB\\n\\\n    -----END CERTIFICATE-----\\n"\n',
'  cert: "-----BEGIN CERTIFICATE-----\n\n  AAAA\n\n  -----END CERTIFICATE-----\n\n  "\n',
'  json: "{\\n  \\"a\\": 1\\n}"\n', '  json: {\n\t"a": {\n\t\t"b": [1, 2]\n\t}\n  }\n', '  json: {\n"a": 1,\n  "b": [\n "c"\n]}\n',
'  schedule: "0 3 * * *"\n  window: 02:00-04:00\n  time: 12:30\n  date: 2024-01-01\n',
'  mode: 0644\n  other: 0o644\n  hex: 0xFF\n  sci: 1e3\n  dec: 1_000\n  version: 1.10\n  port: "8080"\n',
'  enabled: yes\n  disabled: off\n  y: n\n  country: NO\n',
'  image: nginx@sha256:abc\n  image2: reg:5000/a/b:v1.2\n  image3: "{{ .Values.image }}"\n',
'  selector: {matchLabels: {app.kubernetes.io/name: a, "app": b}}\n', '  ports: [{name: http, port: 80, targetPort: http}, {port: 443}]\n',
'  env:\n  - {name: A, value: "1"}\n  - name: B\n    value: "b\n      c"\n  - name: C\n    valueFrom: {fieldRef: {fieldPath: status.podIP}}\n',
'  resources: {limits: {cpu: 500m, memory: 1Gi}, requests: {cpu: 0.5, memory: 128e6}}\n',
'  x: &defaults\n    a: 1\n    b: {c: 2}\n  y:\n    <<: *defaults\n    b: 3\n  z: [*defaults]\n',
"  description: >-\n    A long\n    text: with colons, 'quotes'\n    and # hashes\n  next: 1\n",
"  description: 'A long\n\n    text with\n    paragraphs.\n\n    '\n", '  description: A long text\n    over several lines, with "quotes"\n    and commas\n',
'  query: |-\n    SELECT *\n      FROM a -- c\n     WHERE b = \'c\'\n', '  lua: |\n    -- comment\n    function f(x)\n    \treturn x\n    end\n\n',
'  pattern: ^[a-z]([-a-z0-9]*[a-z0-9])?$\n  pattern2: "^\\\\d+$"\n  pattern3: \'^\\d+$\'\n  glob: "*.example.org"\n',
'  rule: "size(self) <= 3 &&\n    self.all(x, x > 0)"\n  message: must be\n    short\n', "  rule: self == oldSelf ? true : false\n",
'  matches: [{path: {type: PathPrefix, value: /}}]\n  hosts: ["a.test", \'*.b.test\', c.test]\n', '  headers:\n  - "X-A: b"\n  - X-C:d\n  - \'X-E: f\'\n',
'  toleration: {key: "", operator: Exists}\n  empty: ""\n  nothing:\n  tilde: ~\n', '  nodeSelector: {"kubernetes.io/os": linux, true: "yes", 1: one}\n', '  users: ["system:serviceaccount:a:b", system:node]\n',
'  labels: {a: "1", b: "true", c: ""} # c\n  # d\n  list:    # e\n    - x    # f\n', '  "quoted": "a"#b\n  list: [a]#b\n', "  - name: a # b\n    # c\n    value: 'd' # e\n  # f\n  - name: g\n",
])
def raw(name,text): shapes[name]=text
raws=[
"%YAML 1.1\n---\n"+H, "%YAML 1.2\n---\n"+H, "%TAG ! tag:x,2000:\n---\n"+H, "---\n"+H+"...\n", H+"...\n---\n"+H.replace("name: s","name: t"), H+"--- # c\n"+H.replace("name: s","name: t"), H+"---\n---\n---\n"+H.replace("name: s","name: t"),
"--- {apiVersion: example.test/v1, kind: Sample, metadata: {name: u}}\n---\n"+H, H+"---   \n"+H.replace("name: s","name: t"), H+"---\t\n"+H.replace("name: s","name: t"), "# c\n\n\n"+H, "\ufeff"+H, "---\r\n"+H.replace("\n","\r\n")+"---\r\n"+H.replace("\n","\r\n").replace("name: s","name: t"),
H.rstrip("\n"), "   \n"+H, H+"---", H+"---\n", H+"---\n# only a comment\n", H+"\n\n---\n\n\n"+H.replace("name: s","name: t"), "{\"apiVersion\": \"example.test/v1\", \"kind\": \"Sample\", \"metadata\": {\"name\": \"s\"}, \"spec\": {\"a\": 1}}",
"{\n\t\"apiVersion\": \"example.test/v1\",\n\t\"kind\": \"Sample\",\n\t\"metadata\": {\"name\": \"s\"},\n\t\"spec\": {\"a\": \"\\u00e9\\/\\ud83d\\ude00\"}\n}\n",
"{\"apiVersion\": \"example.test/v1\", \"kind\": \"Sample\", \"metadata\": {\"name\": \"s\"}}\n{\"apiVersion\": \"example.test/v1\", \"kind\": \"Sample\", \"metadata\": {\"name\": \"t\"}}\n",
"{\"apiVersion\": \"example.test/v1\", \"kind\": \"Sample\", \"metadata\": {\"name\": \"s\"}}\n---\n"+H, H+"---\n{\"apiVersion\": \"example.test/v1\", \"kind\": \"Sample\", \"metadata\": {\"name\": \"j\"}}\n",
"{apiVersion: example.test/v1, kind: Sample, metadata: {name: s}, spec: {a: yes}}\n", "apiVersion: example.test/v1\nkind: Sample\nmetadata: {name: s}\nspec: |\n  ---\n  x\n", 
"  apiVersion: example.test/v1\n  kind: Sample\n  metadata:\n    name: s\n", "\"apiVersion\": \"example.test/v1\"\n\"kind\": \"Sample\"\n'metadata':\n  \"name\": \"s\"\n", H+"spec: 2\n--- !foo\n"+H.replace("name: s","name: t"), H+"spec:\n  a: \"x\n--- y\"\n", H+"---#c\n"+H.replace("name: s","name: t"),
"---\n---\n"+H, "--- |\n  x\n---\n"+H, "# a\n---\n# b\n---\n"+H, H+"... # c\n", "\n---\n"+H, " ---\n"+H, H+" ---\n", "!!map\n"+H, "&x\n"+H, "? apiVersion\n: example.test/v1\n? kind\n: Sample\n? metadata\n: {name: s}\n", "- "+H.replace("\n","\n  ").rstrip()+"\n", H.replace("\n","\r"), 
]
for i,t in enumerate(raws): raw(f"doc-{i:02}",t)


def objects(name, text):
    # A marker is added because kubectl prints an object only once it has changed it, and taken away again.
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(text.encode())
        file.flush()
        command = [os.environ.get("KUBECTL", "kubectl"), "annotate", "--local", "--kubeconfig", "/dev/null", "-o", "json", "-f", file.name, "marker=x"]
        answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        return None
    found, rest, decoder = [], answer.stdout, json.JSONDecoder()
    while rest.strip():
        value, end = decoder.raw_decode(rest.lstrip())
        rest = rest.lstrip()[end:]
        del value["metadata"]["annotations"]["marker"]
        if not value["metadata"]["annotations"]:
            del value["metadata"]["annotations"]
        found.append(value)
    return found


print(json.dumps({name: {"text": text, "objects": objects(name, text)} for name, text in shapes.items()}, indent=1, sort_keys=True))
