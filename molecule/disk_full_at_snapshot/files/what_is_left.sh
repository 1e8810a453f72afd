#!/bin/sh
# What is left in the store, but for what filled the disk; and how the application differs from its copy.
systemctl stop filler.service
rm /var/lib/guarded-deploy/snapshots/.filler
ls -A /var/lib/guarded-deploy/snapshots
diff -r /srv/app /srv/copy
