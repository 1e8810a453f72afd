# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Waits at most 90 s until the guard's record says $1 and its units are gone, and compares the host with how it stood before.
# Needs nothing but a shell: what it looks at is not to be believed.
# shellcheck shell=sh
count=0
until grep -q "^ \"state\": \"$1\"" /var/lib/guarded-deploy/guard/record.json &&
    ! ls /usr/local/lib/systemd/system/guarded-deploy-* /run/systemd/transient/guarded-deploy-* > /dev/null 2>&1; do
    count=$((count + 1))
    [ $count -lt 450 ] && ! grep -q "^ \"state\": \"rollback_failed\"" /var/lib/guarded-deploy/guard/record.json || { cat /var/lib/guarded-deploy/guard/record.json; journalctl -t guarded-deploy --no-pager | tail -n 40; exit 1; }
    sleep 0.2
done
grep "^ \"cause\"" /var/lib/guarded-deploy/guard/record.json
sh /root/guard/observe.sh > /root/guard/after
diff -u "/root/guard/${2:-before}" /root/guard/after || exit 1
systemctl list-units --all --plain --no-legend 'guarded-deploy-*' | grep -v 'not-found' && exit 1
ls -d /usr/local/lib/systemd 2> /dev/null && exit 1
exit 0
