#!/bin/sh
# What the entry point of PostgreSQL's image does (https://github.com/docker-library/docs/tree/master/postgres), as far as manifests
# count on it: an empty data folder is initialised, the scripts in /docker-entrypoint-initdb.d are run by a server that listens on its
# socket alone, and PostgreSQL is started with the arguments.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  superuser=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$superuser}
  passwords=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" > "$passwords"
  # Words of the variable are arguments.
  # shellcheck disable=SC2086
  initdb --pgdata "$PGDATA" --username "$superuser" --pwfile "$passwords" --no-sync ${POSTGRES_INITDB_ARGS:-} >/dev/null
  rm "$passwords"
  pg_ctl --pgdata "$PGDATA" --wait --silent --options "$(printf "'%s' " "$@")-c listen_addresses='' -p 5432" start
  export PGHOST=/var/run/postgresql PGUSER="$superuser" PGPASSWORD="$POSTGRES_PASSWORD"
  if [ "$database" != postgres ]; then
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres --set name="$database" <<'SQL'
CREATE DATABASE :"name";
SQL
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then POSTGRES_DB=$database POSTGRES_USER=$superuser "$file"; else . "$file"; fi ;;
      *.sql) psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$database" --file "$file" ;;
    esac
  done
  pg_ctl --pgdata "$PGDATA" --wait --silent --mode fast stop
  unset PGHOST PGUSER PGPASSWORD
fi
exec postgres "$@"
