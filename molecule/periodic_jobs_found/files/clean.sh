#!/usr/bin/env bash
# Keeps a folder small.
INTERVAL="${CLEAN_EVERY:-600}"

rest() {
  sleep "$1" &
  wait $!
}

while rest "$INTERVAL"; do
  find /var/tmp/clean -mtime +1 -delete
done
