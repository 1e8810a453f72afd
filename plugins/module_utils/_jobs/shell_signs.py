# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Commands by which a shell script shows what it is: those that wait for events, and those that serve others."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from .shell_tree import Node


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ECHOES = frozenset(("echo", "printf", "logger", "log", "log_info", "info", "warn", "log_message", "systemd-cat"))

# They block until something happens (their manual pages).
_EVENTS = _words(
    "inotifywait inotifywatch fswatch entr dbus-monitor acpi_listen evtest gpiomon mosquitto_sub irw lirc udevadm-monitor tcpdump "
    "xev xinput swayidle xss-lock journalctl-follow avahi-browse incrond nats wscat websocat libinput ydotoold conmon busctl- "
    "monitor triggerhappy thd rtl_433 multimon-ng direwolf aplay-loop"
)
_LISTENING = {
    "nc": r"^-\w*l",
    "ncat": r"^-\w*l|^--listen",
    "netcat": r"^-\w*l",
    "socat": r"(?i)listen|^pty|,fork",
    "tail": r"^-\w*[fF]|^--follow",
    "journalctl": r"^-\w*f|^--follow",
    "udevadm": r"^monitor$",
    "gdbus": r"^monitor$",
    "busctl": r"^monitor$",
    "ip": r"^monitor$",
    "redis-cli": r"(?i)^(p?subscribe|b[lr]pop|xread)$",
    "docker": r"^events$",
    "podman": r"^events$",
    "kubectl": r"^(-w|--watch)(=true)?$",
    "pactl": r"^subscribe$",
    "playerctl": r"^(-F|--follow)$",
    "i3-msg": r"^subscribe$",
    "swaymsg": r"^subscribe$",
    "nmcli": r"^monitor$",
    "bluetoothctl": r"^monitor$",
    "dmesg": r"^(-w|--follow|-W)$",
    "iw": r"^event$",
    "gpio": r"^wfi$",
    "etcdctl": r"^watch$",
    "consul": r"^watch$",
    "wpa_cli": r"^-a",
}
_SERVERS = re.compile(
    r"(?i)^(autossh|openvpn|nginx|apache2|httpd|haproxy|redis-server|mysqld|mariadbd|postgres|mongod|dnsmasq|sshd|uvicorn|gunicorn|"
    r"celery|node_exporter|prometheus|mosquitto|ffplay|vlc|cvlc|mpv|mplayer|omxplayer|raspivid|libcamera-vid|rpicam-vid|"
    r"chromium(-browser)?|firefox(-esr)?|google-chrome|xinit|startx|Xorg|Xvfb|x11vnc|vncserver|minicom|screen|tmux|rtl_tcp|dump1090|"
    r"readsb|icecast2?|darkice|liquidsoap|srcds_run|java|steamcmd_server|wstunnel|cloudflared|ngrok|frpc|chisel|sslocal|"
    r"ss-local|redsocks|tor|"
    r"(?:\w[\w.]*[-_])?(?:daemon|server|bot|worker|listener|tunnel|proxy)|[\w-]+_exporter|"
    r"(?:ssh|http|lighttp|vsftp|proftp|smb|nmb|rpc\.nfs|tftp|telnet|xinet|dhcp|dhcpc|udhcp|udhcpc|bird|zebra|bgp|ospf|name|"
    r"unboun|ntp|chrony|cups|mp|lirc|gps|acpi|collect|memcache|slap|x?rdp|hosta?p|pppoe|smart|mumble|kea-|etc)d)$"
)


def is_sleep(node: Node) -> bool:
    """``sleep``, also by its path, of busybox, or with ``command``; never one that lasts for ever."""
    argv = node.argv
    if not argv:
        return False
    name = argv[0].rpartition("/")[2]
    if name in ("busybox", "command", "exec", "builtin", "env", "nice") and len(argv) > 1:
        name = argv[1].rpartition("/")[2]
    return name in ("sleep", "gsleep") and len(argv) > 1


def is_event(node: Node) -> bool:
    """Whether a command waits for something that others do."""
    argv = node.argv
    if not argv:
        return False
    name = node.name
    if name in ("timeout", "stdbuf", "exec", "sudo", "nice", "unbuffer") and len(argv) > 1:
        words = [one for one in argv[1:] if not one.startswith("-") and not re.match(r"\d", one)]
        name = words[0].rpartition("/")[2] if words else name
    if name in _EVENTS:
        return not (name == "tcpdump" and any(one.startswith("-c") for one in argv))
    pattern = _LISTENING.get(name)
    if pattern is not None and any(re.search(pattern, one) for one in argv[1:]):
        return True
    if name == "read" and any(
        sign == "<"
        and not target.startswith(("/proc", "/sys", "/etc"))
        and re.search(r"(?i)fifo|pipe|/dev/tty|/dev/input|/dev/serial|/dev/hid|sock|&", target)
        for sign, target in node.redirects
    ):
        return True
    return name == "wait" and "-n" in argv


def is_child_server(node: Node) -> bool:
    """Whether a command is a program that normally keeps running and serves others."""
    argv = node.argv
    name = node.name
    if name in ("ffmpeg", "gst-launch-1.0", "arecord"):
        text = " ".join(argv)
        return bool(re.search(r"rts?p|rtmp|udp:|/dev/video|v4l2|alsa|x11grab| -re\b|src ", text)) or (
            name == "arecord" and " -d" not in text
        )
    if name in ("start-stop-daemon", "daemonize", "supervise", "runsvdir", "daemon"):
        return True
    if name == "ssh":
        return any(re.match(r"-\w*[NRLDw]", one) for one in argv[1:])
    if name in ("python", "python3", "node", "ruby", "php", "perl") and len(argv) > 1:
        script = next((one for one in argv[1:] if not one.startswith("-")), "")
        name = re.sub(r"\.(py|js|rb|php|pl)$", "", script.rpartition("/")[2])
        return (
            bool(re.search(r"(?i)(^|[_-])(server|daemon|bot|listener|worker|app|main|index)$", name))
            or "runserver" in argv
            or "http.server" in argv
        )
    if name in ("npm", "yarn", "pnpm") and len(argv) > 1:
        return argv[1] in ("start", "serve") or "start" in argv[1:3]
    return bool(_SERVERS.match(name))
