#!/bin/sh
# Brings the database to this version and makes the administrator, or sets the password that the Secret holds now.
set -eu
gitea -c "$GITEA_APP_INI" migrate
if gitea -c "$GITEA_APP_INI" admin user list --admin | grep -qw "$ADMIN_USERNAME"; then
  gitea -c "$GITEA_APP_INI" admin user change-password --username "$ADMIN_USERNAME" --password "$ADMIN_PASSWORD"
else
  gitea -c "$GITEA_APP_INI" admin user create --admin --username "$ADMIN_USERNAME" --password "$ADMIN_PASSWORD" \
    --email "$ADMIN_EMAIL" --must-change-password=false
fi
