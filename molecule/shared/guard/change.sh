# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# A deployment, in many small steps: $1 seconds lie between two of them.
set -u
pause() { sleep "${pause:-0}"; }
pause=${1:-0}
echo two > /srv/guarded/www/index.html; pause
chmod 600 /srv/guarded/app.env; echo TOKEN=new > /srv/guarded/app.env; pause
rm -r /srv/guarded/www/empty; ln -sfn /etc/hostname /srv/guarded/latest; pause
mkdir -p /srv/guarded/new && echo more > /srv/guarded/new/file; pause
mkdir -p /etc/systemd/system/resting.service.d
printf '[Service]\nEnvironment=NEW=1\n' > /etc/systemd/system/resting.service.d/new.conf; pause
systemctl disable --now page.service; rm -f /etc/systemd/system/page.service; pause
cat > /etc/systemd/system/newpage.service <<UNIT
[Service]
ExecStart=/bin/busybox httpd -f -p 9401 -h /srv/guarded/new
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload; pause
systemctl enable --now newpage.service; systemctl start resting.service; pause
if docker inspect web > /dev/null 2>&1; then
    docker rm -f web; pause
    docker run -d --name web --restart=no --stop-timeout 1 -p 9403:80 testbed/busybox httpd -f -p 80; pause
fi
echo three > /srv/guarded/www/index.html
