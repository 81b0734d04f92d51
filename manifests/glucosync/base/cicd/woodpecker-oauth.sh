#!/bin/sh
# Registers Woodpecker as an OAuth client of Gitea and keeps what Gitea answers in the Secret `woodpecker-oauth`. Gitea tells the client's
# secret only once, so a registration whose secret is not there is replaced.
set -eu
secret=woodpecker-oauth
known=$(kubectl get secret "$secret" -o jsonpath='{.data.client-id}' | base64 -d)

umask 077
printf 'user = "%s:%s"\n' "$ADMIN_USERNAME" "$ADMIN_PASSWORD" > /tmp/curl.conf
api() { curl --silent --show-error --fail --config /tmp/curl.conf --header 'Content-Type: application/json' "$@"; }
clients="$GITEA_URL/api/v1/user/applications/oauth2"

until api "$GITEA_URL/api/healthz" >/dev/null; do
  echo "waiting for $GITEA_URL"
  sleep 3
done

if [ -n "$known" ] && api "$clients" | jq -e --arg id "$known" 'any(.[]; .client_id == $id)' >/dev/null; then
  echo "registered already"
  exit 0
fi
for id in $(api "$clients" | jq '.[] | select(.name == "woodpecker") | .id'); do
  api --request DELETE "$clients/$id"
done
jq -n --arg uri "$REDIRECT_URI" '{name: "woodpecker", confidential_client: true, redirect_uris: [$uri]}' > /tmp/client.json
api --request POST --data @/tmp/client.json "$clients" > /tmp/answer.json
jq '{stringData: {"client-id": .client_id, "client-secret": .client_secret}}' /tmp/answer.json > /tmp/patch.json
kubectl patch secret "$secret" --type merge --patch-file /tmp/patch.json
echo "registered"
