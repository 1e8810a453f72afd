# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The containers of pairs.yml. A container is stopped with SIGKILL: as the first of its processes it knows no other signal.
# shellcheck shell=sh
set -eu

run() { # ENGINE NAME PORT OPTIONS
    engine=$1 name=$2 port=$3
    shift 3
    "$engine" run -d --name "$name" -p "$port:80" --stop-signal=KILL "$@" testbed/busybox httpd -f -p 80 >/dev/null
}

/opt/testbed/load-image docker busybox >/dev/null
run docker always-7101 7101 --restart=always
run docker always-7103 7103 --restart=always
run docker always-7104 7104 --restart=always
run docker stopped-always 7105 --restart=always
run docker unless-stopped 7106 --restart=unless-stopped
run docker stopped-unless-stopped 7107 --restart=unless-stopped
run docker failed 7108 --restart=on-failure
run docker policy-no 7109
run docker always-7111 7111 --restart=always
run docker always-7112 7112 --restart=always
run docker always-7113 7113 --restart=always
run docker on-failure 7115 --restart=on-failure
docker run -d --name on-host --network host --restart=always testbed/busybox httpd -f -p 7116 >/dev/null
run docker always-7117 7117 --restart=always
run docker always-7118 7118 --restart=always
run docker always-7119 7119 --restart=always
run docker always-7120 7120 --restart=always
docker stop always-7120 stopped-always stopped-unless-stopped failed >/dev/null

if command -v podman >/dev/null; then
    /opt/testbed/load-image podman busybox >/dev/null
    run podman podman-stopped-always 7123 --restart=always
    run podman podman-always 7124 --restart=always
    run podman podman-no 7125
    run podman podman-on-failure 7126 --restart=on-failure
    podman stop podman-stopped-always >/dev/null
fi
