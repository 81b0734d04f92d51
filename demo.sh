#!/usr/bin/env bash
# Starts a sandbox, brings AI-IMUTIS' dev environment to it, shows what stands there, lets a broken release be rolled back, and
# stops the sandbox. With the name of another platform it brings the first environment of that one, twice, and takes it down.
# `make demo` builds the program and calls this; DEPLOYCTL names another one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
deployctl=${DEPLOYCTL:-deployctl}
# Only the sandbox has a context of this name: called by mistake, the second half of this script touches no other cluster.
context=sandbox-demo

platform=${PLATFORM:-ai-imutis}
# What the tests of the platform say of it: one line each of definitions, made-up secrets, and namespaces that others bring.
data=tests/platforms/$platform.yaml
[ -f "$data" ] || { printf 'there is no platform `%s`; there is %s\n' "$platform" "$(cd tests/platforms && echo *.yaml | sed 's/\.yaml//g')" >&2; exit 2; }
crds=$(sed -n 's/^crds: \[\(.*\)\]$/\1/p' "$data" | tr -d ' ')

if [ "${1:-}" != inside ]; then
  # Settings of this shell, above all another kubeconfig, are not meant for the demo.
  for name in ${!DEPLOYCTL_@}; do
    [ "$name" = DEPLOYCTL_SANDBOX_CACHE ] || unset "$name"
  done
  unset IMAGE_TAG MAINWEBSITE_TAG NEWCLIENT_TAG
  # Classes of the platform's cluster; the sandbox has `standard`.
  classes=$(sed -n 's/^  StorageClass\/\([a-z-]*\):.*/\1/p' "$data" | sed '/^standard$/d' | paste -sd, -)
  exec "$deployctl" sandbox run --context "$context" --crds "$crds" ${classes:+--storage-class "$classes"} -- env PLATFORM="$platform" "$BASH" ./demo.sh inside
fi

say() { printf '\n%s\n' "$*" >&2; }

export DEPLOYCTL_CONTEXT=$context

if [ "$platform" != ai-imutis ]; then
  valid=$("$deployctl" validate "$platform" 2>&1) || { printf '%s\n' "$valid" >&2; exit 2; }
  environment=$(sed -n 's/.*is valid (environments\{0,1\}: \([^,)]*\).*/\1/p' <<<"$valid")
  secrets=$(mktemp)
  trap 'rm -f "$secrets"' EXIT
  sed -n '/^secrets:/,/^[^ ]/ s/^  \([^:#]*\): "\{0,1\}\(.*[^"]\)"\{0,1\}$/\1=\2/p' "$data" >"$secrets"
  for namespace in $(sed -n 's/^  Namespace\/\([a-z-]*\):.*/\1/p' "$data"); do
    kubectl create namespace "$namespace" >/dev/null
  done
  say "\$ deployctl up $platform --env $environment --yes --secrets-file …"
  "$deployctl" up "$platform" --env "$environment" --yes --secrets-file "$secrets" </dev/null
  say "\$ deployctl up $platform --env $environment --yes --secrets-file …"
  "$deployctl" up "$platform" --env "$environment" --yes --secrets-file "$secrets" </dev/null
  say "\$ deployctl down $platform --env $environment --yes"
  "$deployctl" down "$platform" --env "$environment" --yes </dev/null
  exit
fi

export DEPLOYCTL_SECRET_API_SECRETS__FIREBASE_PROJECT_ID=ai-imutis-dev
export DEPLOYCTL_SECRET_REGISTRY_CREDENTIALS__PASSWORD=not-a-real-password

say '$ deployctl up ai-imutis --env dev --yes --secret …'
# Without a terminal on standard input nothing asks for the values that may stay empty.
"$deployctl" up ai-imutis --env dev --yes \
  --secret api-secrets/firebase-service-account=@plans/ai-imutis/firebase-service-account.example.json </dev/null

say '$ deployctl status ai-imutis --env dev'
"$deployctl" status ai-imutis --env dev

say 'Now a release whose image cannot be pulled:
$ deployctl up ai-imutis --env dev --yes --set image_tag=2.0.0'
broken=$(mktemp -d)
trap 'rm -rf "$broken"' EXIT
cp -r plans manifests "$broken"
# The nodes are simulated: what a pod meets with is asked for by a label.
sed -i 's|^      labels:$|&\n        sandbox.deployctl.dev/fault: image-pull|' "$broken/manifests/ai-imutis/apps/api.yaml"
status=0
(cd "$broken" && "$deployctl" up ai-imutis --env dev --yes --set image_tag=2.0.0 </dev/null) || status=$?
# 1 says that it failed and that the cluster is as it was.
[ "$status" = 1 ] || { say "a broken release must end with 1, and this one ended with $status"; exit 1; }

say '$ deployctl history ai-imutis --env dev'
"$deployctl" history ai-imutis --env dev

say "That was a real Kubernetes control plane with simulated nodes; it is being
stopped. To look around in one that stays:

  export PATH=$(dirname "$(command -v "$deployctl")"):\$PATH
  export KUBECONFIG=\$(deployctl sandbox start --crds cert-manager)
  FILE=plans/ai-imutis/firebase-service-account.example.json
  deployctl up ai-imutis --secret api-secrets/firebase-service-account=@\$FILE
  deployctl status ai-imutis --watch
  deployctl sandbox stop"
