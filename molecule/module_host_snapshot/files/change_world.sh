#!/bin/sh
# What a deployment does: it edits, adds, removes, and spoils the data.
set -eu
printf 'port = 9302\n' >/srv/app/app.conf
printf 'new' >/srv/app/conf.d/new.conf
rm /srv/app/token
sed -i 's/9301/9302/' /etc/systemd/system/app.service
systemctl daemon-reload
systemctl restart app.service
python3 - <<'PY'
import sqlite3

with sqlite3.connect("/var/lib/app.db") as database:
    database.execute("delete from orders")
PY
