# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck shell=sh
sh /root/guard/observe.sh > /root/guard/changed
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultEnvironment=PATH=/nowhere PYTHONHOME=/nowhere\n' > /etc/systemd/system.conf.d/path.conf
ln -sfn /bin/false /usr/bin/python3
systemctl daemon-reexec
systemctl stop guarded-deploy-guard.timer
