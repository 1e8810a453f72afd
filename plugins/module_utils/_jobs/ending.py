# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Programs that do their work and end, by their names and verbs (their manual pages)."""

from __future__ import annotations

import posixpath
import re
import typing as t


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENDING = _words(
    "wget tar gzip gunzip zstd xz bzip2 zip unzip cp mv rm find mkdir rmdir touch date cat grep egrep sed awk gawk sort uniq head "
    "wc cut tr jq yq certbot apt apt-get aptitude dnf yum pacman zypper apk pip pip3 restic borg borgmatic duplicity duply "
    "rsnapshot pg_dump pg_dumpall mysqldump mariadb-dump mongodump sqlite3 psql mysql mariadb systemctl mail mailx sendmail aws "
    "gsutil az gcloud s3cmd b2 scp sftp fstrim updatedb logrotate nslookup dig host hostname df du free uptime sync chown chmod "
    "ln printf echo nmap speedtest speedtest-cli zfs zpool btrfs sanoid syncoid true false test sleep tee xargs id whoami uname "
    "lsblk blkid smartctl sensors vcgencmd nvidia-smi ipset iptables nft ethtool nmcli iwconfig iw ifup ifdown fail2ban-client "
    "needrestart freshclam unbound-anchor ddclient-once acme.sh dehydrated lego openssl gpg ssh-keygen sha256sum md5sum diff "
    "patch make ansible-playbook ansible-pull terraform puppet-once exim doveadm rspamc sa-learn sa-update postqueue timedatectl "
    "loginctl hostnamectl localectl rfkill setterm hwclock ntpdate chronyc rdate fsck e2scrub xfs_scrub mdadm-check aide rkhunter "
    "chkrootkit lynis debsecan apticron cron-apt etckeeper mandb"
)
_BY_VERB: dict[str, tuple[re.Pattern[str], bool]] = {
    # pattern of the arguments, and whether matching it means that it ends
    "curl": (re.compile(r"(?:^|\s)(?:-N|--no-buffer)\b"), False),
    "rsync": (re.compile(r"--daemon\b"), False),
    "rclone": (re.compile(r"(?:^|\s)(?:mount|serve|rcd|bisync --watch)\b"), False),
    "git": (re.compile(r"(?:^|\s)(?:daemon|instaweb)\b"), False),
    "ssh": (re.compile(r"(?:^|\s)-\w*[NRLDwf]"), False),
    "ping": (re.compile(r"(?:^|\s)-c"), True),
    "ping6": (re.compile(r"(?:^|\s)-c"), True),
    "journalctl": (re.compile(r"(?:^|\s)(?:-\w*f|--follow)\b"), False),
    "tail": (re.compile(r"(?:^|\s)(?:-\w*[fF]|--follow)"), False),
    "docker": (
        re.compile(
            r"(?:^|\s)(?:(?:system|image|container|volume|builder) prune|pull|exec|cp|login|restart|start|stop|compose (?:pull|restart))\b"
        ),
        True,
    ),
    "podman": (re.compile(r"(?:^|\s)(?:system prune|image prune|auto-update|pull|exec|restart|start|stop)\b"), True),
    "logger": (re.compile(r"(?:^|\s)(?:-f|--file)\b"), False),
    "php": (
        re.compile(r"\bartisan\s+(?:schedule:run|queue:prune\S*|cache:\S+|backup:\S+)|\bconsole\s+(?!messenger:consume|server)\S+:"),
        True,
    ),
    "occ": (re.compile(r"."), True),
    "wp": (re.compile(r"\b(?:cron|cache|core|plugin|db)\b"), True),
    "su": (re.compile(r"$^"), True),
}


def ends_by_itself(words: t.Sequence[str]) -> bool:
    """Whether a program surely does its work and ends; False where that is not known."""
    if not words:
        return False
    name, rest = posixpath.basename(words[0]), " ".join(words[1:])
    if name == "systemctl":
        return "--wait" not in rest
    if name in _ENDING:
        return True
    known = _BY_VERB.get(name)
    if known is None:
        return False
    pattern, ends = known
    return (pattern.search(rest) is not None) is ends
