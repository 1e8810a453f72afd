#!/bin/sh
# race.sh make|begin|end: a user's tree and root's, and the user's attack on the one by way of the other.
set -eu

see() {
  find /etc/victim -printf '%p %y %m %U %G %s %T@\n' > /root/unsorted
  sort /root/unsorted
}

case $1 in
  make)
    for tree in /home/deploy/race /etc/victim; do
      mkdir -p $tree/app/conf
      for file in app/one app/two app/conf/one app/conf/two; do
        echo "$tree" > $tree/$file
      done
    done
    chown -R deploy /home/deploy/race
    chmod 0711 /etc/victim
    echo secret > /etc/victim/app/secret
    see > /root/victim
    ;;
  begin)
    systemd-run --quiet --unit=attacker --uid=deploy python3 /opt/fidelity/attacker.py /home/deploy/race /etc/victim 1 \
      app app/conf app/one app/two app/conf/one app/conf/two
    ;;
  end)
    systemctl is-active attacker.service
    systemctl stop attacker.service
    see > /root/victim-now
    diff -u /root/victim /root/victim-now
    if grep -l -r secret /home/deploy/race; then
      exit 1
    fi
    ;;
esac
