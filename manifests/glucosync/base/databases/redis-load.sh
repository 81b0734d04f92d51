#!/bin/sh
# Loads a snapshot into the running primary: a server of its own reads the file and writes it as commands, and these are sent. So the
# Sentinels and replicas need not be stopped. Keys that the snapshot does not have stay, unless FLUSH is `true`.
set -eu
# The server of its own has no password.
local_cli() { (unset REDISCLI_AUTH; redis-cli -s /tmp/redis.sock "$@"); }

redis-server --port 0 --unixsocket /tmp/redis.sock --dir /backup --dbfilename dump.rdb --save '' --daemonize yes --pidfile /tmp/redis.pid
until [ "$(local_cli ping 2>/dev/null)" = PONG ]; do sleep 1; done
local_cli config set aof-use-rdb-preamble no
local_cli config set appendonly yes
while local_cli info persistence | grep -Eq '^aof_rewrite_(in_progress|scheduled):1'; do sleep 1; done
local_cli shutdown nosave || true
if [ "$FLUSH" = true ]; then
  redis-cli -h redis --no-auth-warning flushall
fi
cat /backup/appendonlydir/*.base.aof | redis-cli -h redis --no-auth-warning --pipe
