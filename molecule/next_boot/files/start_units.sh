# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What of the units of pairs.yml is enabled, and what runs today.
# shellcheck shell=sh
set -eu
systemctl start web@7102 web@7105 web@7107 web@7108 web@7110 web@7120 stays
systemctl enable web@7101 web@7102 web@7105 web@7107 web@7108 web@7109 web@7110 web@7111 web@7115 web@7116 web@7119 web@7120 \
    other@7102 opened.socket timed.timer eager puller stays gives-way dropped-in passed-over
systemctl mask web@7111

if command -v podman >/dev/null; then
    systemctl start web@7121 web@7122 web@7123
    systemctl enable podman-restart web@7121 web@7122 web@7123 web@7124 web@7125 web@7126
fi
