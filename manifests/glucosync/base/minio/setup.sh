#!/bin/sh
# Makes the buckets, their expiry and a user for each purpose, with a policy that reaches its own buckets only. Everything may be there
# already: a second run changes what differs, and sets the passwords that the Secrets hold now.
set -eu
export MC_CONFIG_DIR=/tmp/mc
export "MC_HOST_minio=http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@$MINIO_ADDRESS"

until mc ls minio >/dev/null 2>&1; do
  echo "waiting for $MINIO_ADDRESS"
  sleep 3
done

for bucket in mongodb-backups redis-backups postgres-backups velero mlflow; do
  mc mb --ignore-existing "minio/$bucket"
done

# PostgreSQL's base backups are counted and deleted by WAL-G itself, Velero deletes by the time to live of each backup.
for bucket in mongodb-backups redis-backups; do
  mc ilm rule rm --all --force "minio/$bucket" >/dev/null 2>&1 || true
  mc ilm rule add --expire-days "$RETENTION_DAYS" "minio/$bucket"
done

# policy NAME BUCKET… prints a policy that allows everything with the objects of these buckets.
policy() {
  resources=
  for bucket in "$@"; do
    resources="$resources\"arn:aws:s3:::$bucket\",\"arn:aws:s3:::$bucket/*\","
  done
  printf '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetBucketLocation","s3:ListBucket",'
  printf '"s3:ListBucketMultipartUploads","s3:ListMultipartUploadParts","s3:AbortMultipartUpload","s3:GetObject",'
  printf '"s3:PutObject","s3:DeleteObject"],"Resource":[%s]}]}' "${resources%,}"
}

# user ACCESS_KEY SECRET_KEY BUCKET… makes the user or sets its key, and gives it the policy of its name.
user() {
  access_key=$1 secret_key=$2
  shift 2
  policy "$@" > "/tmp/$access_key.json"
  mc admin policy create minio "$access_key" "/tmp/$access_key.json"
  mc admin user add minio "$access_key" "$secret_key"
  # An error where it is attached already.
  mc admin policy attach minio "$access_key" --user "$access_key" >/dev/null 2>&1 || true
  mc admin user info minio "$access_key" >/dev/null
}

user "$APPLICATION_ACCESS_KEY" "$APPLICATION_SECRET_KEY" mlflow
user "$BACKUP_ACCESS_KEY" "$BACKUP_SECRET_KEY" mongodb-backups redis-backups postgres-backups
user "$VELERO_ACCESS_KEY" "$VELERO_SECRET_KEY" velero
echo "buckets and users are as they should be"
