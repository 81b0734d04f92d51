#!/bin/sh
# Fetches the backup that BACKUP names, or the newest one. The names end in the time, so the last in order is the newest.
set -eu
export MC_CONFIG_DIR=/tmp/mc
export "MC_HOST_minio=http://$ACCESS_KEY:$SECRET_KEY@$MINIO_ADDRESS"
name=$BACKUP
if [ "$name" = latest ]; then
  name=
  for found in $(mc find "minio/$BUCKET" --name '*Z.*' | sort); do
    name=${found##*/}
  done
fi
if [ -z "$name" ]; then
  echo "no backup in $BUCKET" >&2
  exit 1
fi
echo "restoring $name"
mc cp --quiet "minio/$BUCKET/$name" "/backup/$FILE"
