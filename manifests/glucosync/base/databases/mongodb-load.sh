#!/bin/bash
# Loads a dump over what is there: collections that the dump has are dropped first, others stay.
set -euo pipefail
umask 077
printf 'password: %s\n' "$RESTORE_PASSWORD" > /run/backup/mongorestore.yaml
mongorestore --config=/run/backup/mongorestore.yaml --uri="mongodb://restore@${MONGODB_MEMBERS// /,}/?replicaSet=rs0&authSource=admin" \
  --drop --oplogReplay --gzip --archive=/backup/dump.archive.gz --nsExclude='admin.*' --nsExclude='config.*'
