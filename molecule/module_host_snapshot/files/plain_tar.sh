#!/bin/sh
# What tar says of its own archive when a bit of it has changed: nothing, and out comes the wrong content.
set -eu
tar -cf /tmp/plain.tar -C /srv/app .
offset=$(grep -abo 'port = 9301' /tmp/plain.tar | cut -d: -f1)
printf 'P' | dd of=/tmp/plain.tar bs=1 seek="$offset" conv=notrunc status=none
tar -xOf /tmp/plain.tar ./app.conf
rm /tmp/plain.tar
