"""Maintains the database every so often."""

import os
import sqlite3
import time

INTERVAL = int(os.environ.get("INTERVAL", "360"))
DATABASE = "/var/lib/maintain/orders.db"
LOG = "/var/log/maintain.log"

seen = []


def note(text):
    with open(LOG, "a") as log:
        log.write(f"{time.time():.3f} {os.getpid()} {text}\n")


def maintain():
    """The heavy part, which holds the database for as long as it takes."""
    note("begin")
    with sqlite3.connect(DATABASE) as database:
        database.execute("CREATE TABLE IF NOT EXISTS orders (at REAL, note TEXT)")
        database.execute("INSERT INTO orders VALUES (?, 'x')", (time.time(),))
        database.execute("REINDEX")
    # Kept for a report that nobody ever wrote.
    seen.append("x" * 50_000_000)
    with open("/proc/self/statm") as statm:
        note(int(statm.read().split()[1]) * 4)


def main():
    while True:
        maintain()
        # Six minutes in the unit of the incident.
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
