# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# How what deployments change stands, in text that can be compared, by tools that are not ours.
for unit in page resting newpage; do
    echo "$unit $(systemctl is-enabled $unit.service 2>&1) $(systemctl is-active $unit.service)"
    systemctl show --property=FragmentPath,DropInPaths,NeedDaemonReload,Environment $unit.service
done
echo "page says $(busybox wget -q -O - http://127.0.0.1:9401/ 2>&1)"
find /srv/guarded /etc/systemd/system -printf '%p %y %m %u:%g %s %T@ %l\n' | sort
find /srv/guarded /etc/systemd/system -type f -exec sha256sum {} + | sort
if docker inspect web > /dev/null 2>&1; then
    docker inspect --format '{{.Name}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.PortBindings}} {{.HostConfig.Binds}} {{.Image}}' web
    echo "container says $(busybox wget -q -O - http://127.0.0.1:9402/ 2>&1)"
    # Images that a snapshot needs are kept by containers of ours that never run.
    docker ps --all --format '{{.Names}}' | grep -v '^guarded-deploy-pin-'
fi
