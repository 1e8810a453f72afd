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
    # Podman's, which ends by itself when half a minute has passed without a client.
    systemctl stop netavark-dhcp-proxy.service 2>/dev/null || true
    ;;
change)
    unit shop 1000002
    systemctl daemon-reload
    systemctl restart shop.service
    ;;
colleague)
    printf '# ours\n' >/etc/cron.d/colleague
    systemctl stop mail.service
    package 2.0
    ;;
esac
