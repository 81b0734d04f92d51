#!/bin/sh
# Run once by the image, when it makes a new database: the exporter reads statistics and no data.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$EXPORTER_PASSWORD" <<'SQL'
CREATE ROLE exporter LOGIN CONNECTION LIMIT 5 PASSWORD :'password';
GRANT pg_monitor TO exporter;
SQL
