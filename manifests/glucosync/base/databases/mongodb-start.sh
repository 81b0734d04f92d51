#!/bin/bash
# Starts a member of the replica set. The image's entry point makes the root user in an empty data folder; only the first member may do
# that, because a set is initiated with one member that has data and others that have none.
set -euo pipefail

# mongod refuses a key file that its group may read, which is what a Secret's file looks like.
install -m 0400 /var/run/secrets/mongodb/keyfile /run/mongodb/keyfile

# Whether one of the other members belongs to a set already: then this one joins it empty and copies what is there.
set_exists() {
  local member
  for member in $MONGODB_MEMBERS; do
    [[ $member == "$HOSTNAME".* ]] && continue
    if [[ $(mongosh --quiet --norc --host "$member" --eval 'db.hello().setName || ""' 2>/dev/null) == rs0 ]]; then
      return 0
    fi
  done
  return 1
}

if [[ $HOSTNAME != *-0 ]] || { [[ ! -e /data/db/WiredTiger ]] && set_exists; }; then
  unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
fi

exec docker-entrypoint.sh mongod \
  --replSet rs0 \
  --keyFile /run/mongodb/keyfile \
  --bind_ip_all \
  --dbpath /data/db \
  --wiredTigerCacheSizeGB "$CACHE_GIGABYTES" \
  --setParameter diagnosticDataCollectionEnabled=true
