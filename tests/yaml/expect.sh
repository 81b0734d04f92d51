#!/bin/sh
# Prints, as JSON, what kubectl reads from each document in this folder: {FILE: [OBJECT, …]}.
#   tests/yaml/expect.sh > tests/yaml/expected.json
# KUBECTL names the kubectl to ask. Nothing is sent to a cluster.
set -eu
cd "$(dirname "$0")"
exec python3 - <<'PYTHON'
import glob, json, os, subprocess

def objects(file):
    # A marker is added because kubectl prints an object only once it has changed it, and taken away again.
    command = [os.environ.get("KUBECTL", "kubectl"), "annotate", "--local", "--kubeconfig", "/dev/null", "-o", "json", "-f", file, "marker=x"]
    text, decoder = subprocess.run(command, check=True, capture_output=True, text=True).stdout, json.JSONDecoder()
    while text.strip():
        found, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        del found["metadata"]["annotations"]["marker"]
        if not found["metadata"]["annotations"]:
            del found["metadata"]["annotations"]
        yield found

files = sorted(glob.glob("*.yaml") + glob.glob("json-*.json"))
print(json.dumps({file: list(objects(file)) for file in files}, indent=1, sort_keys=True))
PYTHON
