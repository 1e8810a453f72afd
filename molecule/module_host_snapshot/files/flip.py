"""Changes one bit of a file; doing it again takes it back."""

import sys

with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0] ^ 1
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte]))
