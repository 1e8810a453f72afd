#!/bin/sh
# An application with a configuration, a secret, and a database of its own that is always open.
set -eu
mkdir -p /srv/app/conf.d
printf 'port = 9301\n' >/srv/app/app.conf
printf 'hunter2-the-secret' >/srv/app/token
chmod 0600 /srv/app/token
chown deploy /srv/app/conf.d
ln -s ../app.conf /srv/app/conf.d/main.conf
python3 - <<'PY'
import sqlite3

with sqlite3.connect("/var/lib/app.db") as database:
    database.execute("create table orders (number integer)")
    database.executemany("insert into orders values (?)", [(1,), (2,), (3,)])
PY
cat >/etc/systemd/system/app.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -m http.server 9301 --directory /srv/app/conf.d
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --quiet --now app.service
