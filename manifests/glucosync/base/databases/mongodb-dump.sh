#!/bin/bash
# Dumps the whole replica set with what is written meanwhile (--oplog), so that the dump is of one moment. The password is in a file in
# memory, because arguments of a process can be read by everybody in the pod.
set -euo pipefail
umask 077
printf 'password: %s\n' "$BACKUP_PASSWORD" > /run/backup/mongodump.yaml
options="replicaSet=rs0&authSource=admin&readPreference=secondaryPreferred"
mongodump --config=/run/backup/mongodump.yaml --uri="mongodb://backup@${MONGODB_MEMBERS// /,}/?$options" \
  --oplog --gzip --archive=/backup/dump.archive.gz
date -u +mongodb-%Y%m%dT%H%M%SZ.archive.gz > /backup/name
ls -l /backup/dump.archive.gz
