#!/bin/sh
# Starts a Sentinel. What it has learned is in its own file, which it rewrites; where that is gone, it asks its peers, then the members of
# Redis themselves, and at the very first start the first member is the primary.
set -eu
umask 077
if [ ! -s /data/sentinel.conf ]; then
  ask() { timeout 5 redis-cli -h redis-sentinel -p 26379 --no-auth-warning --raw "$@" 2>/dev/null; }
  primary=$(ask sentinel get-master-addr-by-name glucosync | head -n 1) || true
  if [ -z "$primary" ]; then
    for member in $REDIS_MEMBERS; do
      if timeout 5 redis-cli -h "$member" --no-auth-warning role 2>/dev/null | head -n 1 | grep -q master; then
        primary=$member
        break
      fi
    done
  fi
  primary=${primary:-${REDIS_MEMBERS%% *}}
  # A Sentinel does not start while the name of the primary leads nowhere.
  until getent hosts "$primary" >/dev/null; do
    echo "waiting for the name $primary"
    sleep 2
  done
  {
    echo 'port 26379'
    echo 'dir /data'
    echo 'sentinel resolve-hostnames yes'
    echo 'sentinel announce-hostnames yes'
    printf 'sentinel announce-ip %s\n' "$HOSTNAME.$DOMAIN"
    printf 'requirepass %s\n' "$REDISCLI_AUTH"
    printf 'sentinel sentinel-pass %s\n' "$REDISCLI_AUTH"
    printf 'sentinel monitor glucosync %s 6379 %s\n' "$primary" "$QUORUM"
    printf 'sentinel auth-pass glucosync %s\n' "$REDISCLI_AUTH"
    # With the checks of the proxy every second, another primary answers within 15 s.
    echo 'sentinel down-after-milliseconds glucosync 5000'
    echo 'sentinel failover-timeout glucosync 10000'
    echo 'sentinel parallel-syncs glucosync 1'
  } > /data/sentinel.conf
fi
exec redis-sentinel /data/sentinel.conf
