#!/bin/sh
# The password goes to a file in memory, because arguments of a process can be read by everybody in the pod.
set -eu
umask 077
printf 'requirepass %s\n' "$REDISCLI_AUTH" > /run/redis/password.conf
exec redis-server /etc/redis/redis.conf
