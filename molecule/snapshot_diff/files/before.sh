# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A small host: a service with secrets, a timer, containers, a project, a package.
# shellcheck shell=sh
set -eu

package() { # VERSION TEXT
    mkdir -p /root/tiny/DEBIAN /root/tiny/etc/cron.d
    printf 'Package: tiny\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: tiny\n' "$1" >/root/tiny/DEBIAN/control
    printf '# %s\n' "$2" >/root/tiny/etc/cron.d/tiny
    dpkg-deb --build /root/tiny "/root/tiny-$1.deb" >/dev/null
}

package 1.0 first
package 2.0 second
dpkg --install /root/tiny-1.0.deb >/dev/null

mkdir -p /etc/systemd/system/shop.service.d /opt/shop/data
cat >/etc/systemd/system/shop.service <<'UNIT'
[Service]
EnvironmentFile=/etc/default/shop
ExecStart=/usr/bin/python3 -m http.server $PORT
[Install]
WantedBy=multi-user.target
UNIT
printf '[Service]\nEnvironment=TOKEN=planted-1 MODE=slow\n' >/etc/systemd/system/shop.service.d/mode.conf
printf 'PORT=8081\nPASSWORD=planted-1\n' >/etc/default/shop
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >/etc/systemd/system/sweep.service
printf '[Timer]\nOnCalendar=03:00\n[Install]\nWantedBy=timers.target\n' >/etc/systemd/system/sweep.timer
printf '#!/bin/sh\necho one\n' >/usr/local/bin/shop-tool
printf '#!/bin/sh\n' >/usr/local/bin/old-tool
chmod 0755 /usr/local/bin/shop-tool /usr/local/bin/old-tool
systemctl daemon-reload
systemctl enable --quiet --now shop.service sweep.timer

/opt/testbed/load-image docker busybox >/dev/null
printf 'services:\n  cart:\n    environment:\n      KEY: planted-1\n' >/opt/shop/compose.yaml
printf 'DB_PASSWORD=planted-1\n' >/opt/shop/.env
docker run -d --name cart --restart=always -e KEY=planted-1 -p 8082:80 -v /opt/shop/data:/data -v stock:/stock \
    --label com.docker.compose.project=shop --label com.docker.compose.project.working_dir=/opt/shop testbed/busybox httpd -f -p 80 >/dev/null
docker run -d --name till testbed/busybox sleep 1000000 >/dev/null
docker run -d --name mail testbed/busybox sleep 1000000 >/dev/null
