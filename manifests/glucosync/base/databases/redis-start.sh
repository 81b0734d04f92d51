#!/bin/sh
# Starts a member: it follows the primary that the Sentinels name, and at the very first start the first member is the primary.
# The password goes to a file in memory, because arguments of a process can be read by everybody in the pod.
set -eu
umask 077
me="$HOSTNAME.$DOMAIN"
ask() { timeout 5 redis-cli -h redis-sentinel -p 26379 --no-auth-warning --raw "$@" 2>/dev/null; }
primary=$(ask sentinel get-master-addr-by-name glucosync | head -n 1) || true
case "$primary" in
  *.*) ;;
  *) primary="$FIRST.$DOMAIN" ;;
esac
{
  printf 'requirepass %s\n' "$REDISCLI_AUTH"
  printf 'masterauth %s\n' "$REDISCLI_AUTH"
  printf 'replica-announce-ip %s\n' "$me"
  printf 'maxmemory %s\n' "$MAX_MEMORY"
  printf 'min-replicas-to-write %s\n' "$MIN_REPLICAS"
  if [ "$primary" != "$me" ]; then
    printf 'replicaof %s 6379\n' "$primary"
  fi
} > /run/redis/generated.conf
echo "$me: primary is $primary"
exec redis-server /etc/redis/redis.conf
