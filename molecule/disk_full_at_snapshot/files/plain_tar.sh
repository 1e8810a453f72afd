#!/bin/sh
# What tar alone leaves on a disk that is too small.
tar -cf /var/lib/guarded-deploy/snapshots/plain.tar -C /srv/app . 2>&1
ls /var/lib/guarded-deploy/snapshots
rm /var/lib/guarded-deploy/snapshots/plain.tar
