#!/bin/sh
# All that find(1) and sha256sum(1) see of a tree but its socket: kind, mode, owner, size, names, times, target, content. Names
# that are one file have the same number, which is the line of the first of them.
set -eu
export LC_ALL=C
cd "$1"
find . ! -name socket ! -type d -printf '%p\t%y %m %U %G %s %n %T@ %l\0' | sort -z | tr '\n\0' '?\n'
find . -type d -printf '%p\t%y %m %U %G %T@\0' | sort -z | tr '\n\0' '?\n'
find . ! -name socket ! -type d -links +1 -printf '%i %p\0' | sort -z -k2 |
  awk 'BEGIN { RS = "\0" } { inode = $1; if (!(inode in first)) first[inode] = NR; sub(/^[0-9]+ /, ""); gsub(/\n/, "?"); print $0 "\tis file " first[inode] }'
find . -type f -print0 | sort -z | xargs -0 -r sha256sum
