#!/bin/sh
# Does what README.txt says, with the commands that it says, and nothing of ours.
set -eu
cd "/var/lib/guarded-deploy/snapshots/$1"
eval "$(grep -- '--check' README.txt)"
number=$(sed -n 's|^ *\(tree-[0-9]*\)  /srv/app .*|\1|p' README.txt)
command=$(sed -n 's/^ *One file: *//p' README.txt)
mkdir /tmp/by-hand
eval "$(echo "$command" | sed "s|tree-NNN|$number|; s|/somewhere|/tmp/by-hand|; s|./path/of/the/file|./app.conf|")"
cat /tmp/by-hand/app.conf
rm -r /tmp/by-hand
find . -maxdepth 1 -type f -not -perm 600 -o -type d -not -perm 700
