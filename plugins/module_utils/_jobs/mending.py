# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Words of programs that look whether something is well, and mend it where it is not."""

from __future__ import annotations

import re

HEALTH = re.compile(
    r"(?i)(?<![a-z])(?:ping6?|fping|arping|httping|nc -\w*z|nmcli|iwgetid|mtr|ethtool)(?![a-z])|ping\(|/dev/tcp/|"
    r"un?health(?:y|check)|health|liveness|heart_?beat|unresponsive|(?:un)?reachab|connectivity|"
    r"(?<![a-z])(?:is|still|check|test|verify|probe|watch)_?(?:\w{1,20}_)?"
    r"(?:up|down|alive|dead|running|active|failed|online|offline|connect\w*|stuck|hung|frozen|stale|internet|network|link|links|vpn|"
    r"tunnel\w*|wi_?fi|wlan|modem|server|servers|gateway|service|services|process|container|containers)(?![a-z])|"
    r"(?<![a-z])(?:operstate|carrier|latest-handshakes?|link_?(?:state|status)|"
    r"conn\w*_?(?:state|status)|vpn_?status|status_?code)(?![a-z])|"
    r"http_code|(?:curl|wget)\b[^\n|;]*(?:localhost|127\.0\.0\.1|--spider|--head|\s-I\b|-o ?/dev/null)|"
    r"\bdocker[\s'\",]{1,6}(?:container[\s'\",]{1,6})?(?:ps|inspect)\b|systemctl[\s'\",]{1,6}(?:is-active|is-failed|status)|"
    r"rc-service \S+ status|"
    r"(?:service|init\.d/)\s*\S+ status|\bip (?:-\w+ )?(?:link|route|addr|a|r)(?: show| list| get|$)|ifconfig \S+ *$|\biw dev\b[^\n]* link|"
    r"\bwg show|\biwconfig|lsusb|mountpoint -q|create_connection|https?://(?:localhost|127\.0\.0\.1)|connect_ex"
)
"""Looks whether something is there, answers, or is well. What merely fetches something is none."""

MENDS = re.compile(
    r"(?i)(?<![a-z])(?:re-?start|re-?boot|re-?spawn|re-?launch|force_?restart|hard_?reset|power_?cycl)\w*|_(?:restart|reboot|reset)\b|"
    r"(?:^|[\s/])(?:kill|pkill|killall)\s+(?!-0)|os\.kill|"
    r"\bip (?:-\w+ )?(?:link|route|tunnel|rule|addr) (?:set|add|del|delete|change|replace|flush)|\broute (?:add|del)\b|"
    r"(?:^|[\s/\"'])if(?:up|down)\b|\bifconfig \S+ (?:up|down)|nmcli\b[^\n]*\b(?:up|down|on|off|connect|reapply)\b|"
    r"\bwg-quick (?:up|down)|\bwpa_cli\b[^\n]* re|rfkill|usbreset|uhubctl|/unbind|/bind\b|modprobe|(?:^|[\s/])mount\s|rmmod|"
    r"udhcpc|dhclient|\binit\.d/|initctl|\bshutdown -r|\bsystemctl (?:--\S+ )*(?:start|reload-or-\w+|kill|isolate)|"
    r"\bservice \S+ start|docker (?:compose )?start|sysrq"
)
"""Acts on what is not well: starts it again, ends it, takes a link down and up."""

RECONNECTS = re.compile(r"(?i)re-?connect|re-?establish|re-?init|re-?open|re-?set\b|re-?login|\brecover|\brepair|\bheal\b|_up\b")
"""Does so too, if a round has no other work: a job may connect again before it does its work."""

TELLS = re.compile(
    r"(?i)mail|notif|alert|telegram|slack|webhook|discord|pushover|ntfy|gotify|apprise|curl|wget|requests\.|report|message|sms|twilio|"
    r"mosquitto_pub|publish|log|print|write|tee|record|insert|append"
)
"""Only tells somebody."""

WORKS = re.compile(
    r"(?i)^(?:sudo )?(?:\S*/)?(?:rsync|tar|restic|borg|duplicity|rclone|pg_dump\w*|mysqldump|mongodump|psql|mysql|sqlite3|steamcmd|certbot|"
    r"lego|ffmpeg|convert|g?zip|xz|zstd|logrotate|find|scp|s3cmd|aws|gsutil|apt|apt-get|dnf|yum|opkg|pip3?|npm|"
    r"git (?:\S+ )*?(?:pull|fetch|clone|push)|docker (?:pull|build|system prune|image prune))(?:\s|$)"
)
"""Work of its own, which is done whether something is well or not."""

STOPS = re.compile(r"(?i)(?<![a-z])(?:stop|down)(?![a-z])")
