#!/bin/sh
# Puts the file that the container before it has made into the bucket, and looks whether it is there.
set -eu
export MC_CONFIG_DIR=/tmp/mc
export "MC_HOST_minio=http://$ACCESS_KEY:$SECRET_KEY@$MINIO_ADDRESS"
name=$(cat /backup/name)
for file in /backup/dump.*; do
  mc cp --quiet "$file" "minio/$BUCKET/$name"
done
mc stat "minio/$BUCKET/$name"
