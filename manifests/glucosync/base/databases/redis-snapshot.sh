#!/bin/sh
# Takes a snapshot of the primary as a replica would get it.
set -eu
redis-cli -h redis --no-auth-warning --rdb /backup/dump.rdb
date -u +redis-%Y%m%dT%H%M%SZ.rdb > /backup/name
ls -l /backup/dump.rdb
