#!/bin/sh
# storm.sh build|blow|check SEED: a tree in a user's home, seen before and after.
set -eu
tree=/home/deploy/app/tree

see() {
  /opt/fidelity/witness.sh "$tree"
  python3 /opt/fidelity/world.py attributes "$tree" "$1"
}

case $1 in
  build)
    rm -rf "$tree"
    mkdir -p "${tree%/*}"
    python3 /opt/fidelity/world.py build "$tree" "$2"
    chown deploy "$tree"
    see "$2" > /root/before
    ;;
  blow)
    python3 /opt/fidelity/world.py blow "$tree" "$2"
    see "$2" > /root/blown
    if cmp -s /root/before /root/blown; then
      echo "the storm changed nothing" >&2
      exit 1
    fi
    ;;
  check)
    see "$2" > /root/after
    diff -u /root/before /root/after
    ;;
esac
