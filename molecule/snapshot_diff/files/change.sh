# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What vars/changes.yml says.
# shellcheck shell=sh
set -eu

dpkg --install /root/tiny-2.0.deb >/dev/null

printf '[Service]\nEnvironment=TOKEN=planted-2 MODE=fast\n' >/etc/systemd/system/shop.service.d/mode.conf
printf 'PORT=8083\nPASSWORD=planted-2\n' >/etc/default/shop
printf '[Service]\nExecStart=/usr/bin/python3 -m http.server 8084\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/added.service
printf '#!/bin/sh\necho two\n' >/usr/local/bin/shop-tool
chmod 0700 /usr/local/bin/shop-tool
rm /usr/local/bin/old-tool
systemctl daemon-reload
systemctl restart shop.service
systemctl disable --quiet shop.service
systemctl enable --quiet --now added.service
systemctl disable --quiet --now sweep.timer
systemctl mask --quiet sweep.service 2>/dev/null || { mv /etc/systemd/system/sweep.service /root; systemctl mask --quiet sweep.service; }

printf 'services:\n  cart:\n    environment:\n      KEY: planted-2\n' >/opt/shop/compose.yaml
printf 'DB_PASSWORD=planted-2\n' >/opt/shop/.env
printf 'row\n' >/opt/shop/data/rows
docker rm -f cart mail >/dev/null
docker volume rm stock >/dev/null
docker stop -t 0 till >/dev/null
docker update --restart=on-failure:3 till >/dev/null
docker network create front >/dev/null
docker run -d --name cart --restart=always -e KEY=planted-2 -p 8085:80 -v /opt/shop/data:/data --network front \
    --label com.docker.compose.project=shop --label com.docker.compose.project.working_dir=/opt/shop testbed/busybox httpd -f -p 80 >/dev/null
docker run -d --name wiki testbed/busybox sleep 1000000 >/dev/null
docker tag testbed/busybox wiki:1
