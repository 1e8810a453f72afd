# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The units of pairs.yml. Those with nothing special about them are instances: web@PORT.service and other@PORT.service.
# shellcheck shell=sh
set -eu
cd /etc/systemd/system
httpd='/usr/bin/busybox httpd -f -p'

unit() { # NAME, and its text on standard input
    mkdir -p "${1%/*}"
    cat >"$1"
}

for name in web other; do
    # Podman's restarter runs the helpers of all its containers: where one cannot have its port, systemd kills the others'
    # helpers with it, and their ports are gone. So let it come last, and get none.
    unit ./$name@.service <<EOF
[Unit]
Before=podman-restart.service
[Service]
Type=exec
ExecStart=$httpd %i
[Install]
WantedBy=multi-user.target
EOF
done

# A service behind a socket: at boot only the socket is opened.
unit ./opened.socket <<EOF
[Socket]
ListenStream=7103
[Install]
WantedBy=sockets.target
EOF
unit ./opened.service <<EOF
[Service]
ExecStart=/usr/bin/sleep infinity
EOF

unit ./timed.timer <<EOF
[Timer]
OnBootSec=1
[Install]
WantedBy=timers.target
EOF
unit ./timed.service <<EOF
[Service]
ExecStart=$httpd 7104
EOF

# Tries for ever.
unit ./eager.service <<EOF
[Service]
ExecStart=$httpd 7106
Restart=always
RestartSec=2
[Install]
WantedBy=multi-user.target
EOF

unit ./puller.service <<EOF
[Unit]
Wants=pulled.service
[Service]
Type=oneshot
ExecStart=/usr/bin/true
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
EOF
unit ./pulled.service <<EOF
[Service]
ExecStart=$httpd 7113
EOF

# Of these two the boot starts the first.
unit ./stays.service <<EOF
[Unit]
Conflicts=gives-way.service
[Service]
ExecStart=$httpd 7114
[Install]
WantedBy=multi-user.target
EOF
unit ./gives-way.service <<EOF
[Service]
ExecStart=$httpd 7114
[Install]
WantedBy=multi-user.target
EOF

# The unit's own text names another port than its drop-in, and an environment file the third.
unit ./dropped-in.service <<EOF
[Service]
ExecStart=$httpd 7199
[Install]
WantedBy=multi-user.target
EOF
unit ./dropped-in.service.d/port.conf <<EOF
[Service]
EnvironmentFile=/etc/default/dropped-in
ExecStart=
ExecStart=$httpd \${PORT}
EOF
echo 'PORT=7117' >/etc/default/dropped-in

unit ./passed-over.service <<EOF
[Unit]
ConditionPathExists=/etc/no-such-file
[Service]
ExecStart=$httpd 7118
[Install]
WantedBy=multi-user.target
EOF

if [ -e /usr/lib/systemd/system-generators/podman-system-generator ]; then
    quadlet() { # NAME PORT, and the section [Install] on standard input
        { printf '[Container]\nImage=localhost/testbed/busybox\nExec=httpd -f -p 80\nPublishPort=%s:80\nStopSignal=KILL\n' "$2"; cat; } \
            >/etc/containers/systemd/"$1".container
    }
    mkdir -p /etc/containers/systemd
    printf '[Install]\nWantedBy=default.target\n' | quadlet installed 7121
    quadlet not-installed 7122 </dev/null
fi
systemctl daemon-reload
