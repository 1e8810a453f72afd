#!/usr/bin/env python
"""Counts the files of a folder again and again, and keeps every count."""

import argparse
import os
import time

kept = []


def count(folder):
    kept.append(sorted(os.listdir(folder)) * 2000)
    with open("/run/report", "w", encoding="utf-8") as file:
        file.write(f"{len(kept[-1])}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="/etc")
    parser.add_argument("--every", type=int, default=3600)
    arguments = parser.parse_args()
    while True:
        count(arguments.folder)
        time.sleep(arguments.every)


if __name__ == "__main__":
    main()
