# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# world.sh before|change|colleague
# shellcheck shell=sh
set -eu

unit() { # NAME SECONDS
    printf '[Service]\nExecStart=/bin/sleep %s\n[Install]\nWantedBy=multi-user.target\n' "$2" >"/etc/systemd/system/$1.service"
}

package() { # VERSION
    mkdir -p /root/tiny/DEBIAN /root/tiny/etc/cron.d
    printf 'Package: tiny\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: tiny\n' "$1" >/root/tiny/DEBIAN/control
    printf '# %s\n' "$1" >/root/tiny/etc/cron.d/tiny
    dpkg-deb --build /root/tiny /root/tiny.deb >/dev/null
    dpkg --install /root/tiny.deb >/dev/null
}

case $1 in
before)
    unit shop 1000001
    unit mail 1000001
    package 1.0
    systemctl daemon-reload
    systemctl enable --quiet --now shop.service mail.service
    # A service behind a socket, which ends when it has had no client for a while, as Podman's netavark-dhcp-proxy.service does.
    printf '[Socket]\nListenStream=/run/idle.sock\n[Install]\nWantedBy=sockets.target\n' >/etc/systemd/system/idle.socket
    printf '[Service]\nExecStart=/bin/sh -c "until [ -e /run/no-clients ]; do sleep 0.1; done"\n[Install]\nWantedBy=multi-user.target\n' \
        >/etc/systemd/system/idle.service
    systemctl daemon-reload
    systemctl enable --quiet --now idle.socket idle.service
    ;;
change)
    unit shop 1000002
    systemctl daemon-reload
    systemctl restart shop.service
    ;;
colleague)
    touch /run/no-clients
    printf '# ours\n' >/etc/cron.d/colleague
    systemctl stop mail.service
    package 2.0
    ;;
esac
