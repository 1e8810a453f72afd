# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# What deployments of the scenarios guard_* change: a page with its unit, a unit that rests, a container, files of its own.
set -eu
mkdir -p /srv/guarded/www/empty
echo one > /srv/guarded/www/index.html
echo TOKEN=old > /srv/guarded/app.env
chmod 640 /srv/guarded/app.env
ln -s www/index.html /srv/guarded/latest
cat > /etc/systemd/system/page.service <<UNIT
[Service]
ExecStart=/bin/busybox httpd -f -p 9401 -h /srv/guarded/www
[Install]
WantedBy=multi-user.target
UNIT
cat > /etc/systemd/system/resting.service <<UNIT
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl --quiet enable --now page.service
systemctl --quiet enable resting.service
if [ "${1:-}" = container ]; then
    /opt/testbed/load-image docker busybox > /dev/null
    docker run -d --name web --restart=always --stop-timeout 1 -p 9402:80 -v /srv/guarded/www:/www:ro testbed/busybox httpd -f -p 80 -h /www > /dev/null
fi
