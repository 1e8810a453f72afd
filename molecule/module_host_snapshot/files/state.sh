#!/bin/sh
# How the application stands, by other means than ours.
cat /srv/app/app.conf
ls -A /srv/app /srv/app/conf.d
stat -c '%n %a %U %Y' /srv/app/* /srv/app/conf.d
sha256sum /srv/app/token 2>/dev/null
systemctl show -p ActiveState -p UnitFileState -p MainPID app.service
cat /etc/systemd/system/app.service
python3 -c 'import sqlite3; print("orders", sqlite3.connect("/var/lib/app.db").execute("select count(*) from orders").fetchone()[0])'
