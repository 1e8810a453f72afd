# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tree with every kind of entry, and storms over it. Everything is drawn from one seeded source, so a seed tells a
storm. Needs nothing but Python, so that it can blow on any host."""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
import struct
import typing as t

NAMES = (
    b"plain", b"two words", b"line\nbreak", b"tab\t", b"-dash", b"*star?", b"back\\slash", b"\xff\xfe", b"\xc3\xa4", b"'quote\"",
    b".hidden", b"caf\xe9", b"%41", b"[x]", b"#", b"\x01control", b"l" * 255,
)  # fmt: skip
OWNERS = (0, 1, 33, 1000, 65534)
MODES = (0o644, 0o600, 0o755, 0o4755, 0o2750, 0o1777, 0o000, 0o444)
# cap_net_bind_service=ep and cap_chown=ep as linux/capability.h lays them out, revision 2.
CAPABILITIES = (struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0), struct.pack("<5I", 0x02000001, 1, 0, 0, 0))


class Storm:
    """Changes to the tree at ``root``, and what they were in ``log``."""

    def __init__(self, root: str, seed: int) -> None:
        self.root = os.fsencode(root)
        self.random = random.Random(seed)
        self.log: list[str] = []
        self._count = 0

    def _note(self, what: str, *paths: bytes) -> None:
        self.log.append(" ".join([what, *(repr(os.path.relpath(path, self.root)) for path in paths)]))

    def _find(self, *kinds: int) -> list[bytes]:
        """All entries of the kinds but the root, sockets and devices, sorted."""
        found = []
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                kind = stat.S_IFMT(os.lstat(path).st_mode)
                if kind not in (stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK) and (not kinds or kind in kinds):
                    found.append(path)
        return sorted(found)

    def _pick(self, *kinds: int) -> bytes | None:
        found = self._find(*kinds)
        return self.random.choice(found) if found else None

    def _folder(self) -> bytes:
        return self.random.choice([self.root, *self._find(stat.S_IFDIR)])

    def new_path(self) -> bytes:
        self._count += 1
        name = self.random.choice(NAMES)[:240] + b"%d" % self._count
        return os.path.join(self._folder(), name)

    def content(self) -> bytes:
        size = self.random.choice((0, 1, 511, 512, 513, 4096, 10_000, 300_000))
        return self.random.randbytes(size)

    def make_file(self) -> bytes:
        path = self.new_path()
        with open(path, "wb") as file:
            file.write(self.content())
        self._note("new file", path)
        return path

    def make_sparse(self) -> bytes:
        path = self.new_path()
        with open(path, "wb") as file:
            for _round in range(self.random.randint(0, 3)):
                file.seek(self.random.randrange(0, 8 << 20, 4096))
                file.write(self.random.randbytes(self.random.choice((1, 4096, 70_000))))
            file.truncate(self.random.randrange(8 << 20, 9 << 20))
        self._note("new sparse file", path)
        return path

    def make_folder(self) -> bytes:
        path = self.new_path()
        os.mkdir(path)
        self._note("new folder", path)
        return path

    def make_link(self) -> bytes:
        path = self.new_path()
        target = self.random.choice((b"/etc/passwd", b"nowhere", b"..", b".", self.random.choice(NAMES), b"x" * 300, b"\xff", self.root))
        os.symlink(target, path)
        self._note("new link", path)
        return path

    def make_fifo(self) -> bytes:
        path = self.new_path()
        os.mkfifo(path)
        self._note("new fifo", path)
        return path

    def make_hard_link(self) -> bytes | None:
        source, path = self._pick(stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO), self.new_path()
        if source is None:
            return None
        os.link(source, path, follow_symlinks=False)
        self._note("new hard link", source, path)
        return path

    def break_hard_link(self) -> None:
        several = [path for path in self._find(stat.S_IFREG) if os.lstat(path).st_nlink > 1]
        if several:
            path = self.random.choice(several)
            shutil.copy2(path, path[:-1][:200] + b"~new")
            os.rename(path[:-1][:200] + b"~new", path)
            self._note("hard link broken", path)

    def edit(self) -> None:
        path = self._pick(stat.S_IFREG)
        if path is not None:
            with open(path, "r+b") as file:
                file.seek(self.random.randrange(0, max(1, os.path.getsize(path))))
                file.write(self.content() or b"x")
            self._note("edit", path)

    def edit_secretly(self) -> None:
        """Keep size and mtime."""
        path = self._pick(stat.S_IFREG)
        found = os.lstat(path) if path is not None else None
        if path is not None and found is not None and found.st_size:
            with open(path, "r+b") as file:
                at = self.random.randrange(found.st_size)
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes([byte[0] ^ 0xFF]))
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
            self._note("edit that keeps size and mtime", path)

    def fill_hole(self) -> None:
        path = self._pick(stat.S_IFREG)
        if path is not None:
            os.truncate(path, self.random.choice((0, 1, 5 << 20)))
            self._note("truncate", path)

    def delete(self) -> None:
        path = self._pick()
        if path is not None:
            _remove(path)
            self._note("delete", path)

    def change_mode(self) -> None:
        path = self._pick(stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO)
        if path is not None:
            os.chmod(path, self.random.choice(MODES))
            self._note("chmod", path)

    def change_owner(self) -> None:
        path = self._pick()
        if path is not None:
            os.chown(path, self.random.choice(OWNERS), self.random.choice(OWNERS), follow_symlinks=False)
            self._note("chown", path)

    def change_times(self) -> None:
        path = self._pick()
        if path is not None:
            moment = self.random.randrange(-(10**17), 3 * 10**18)
            os.utime(path, ns=(moment, moment), follow_symlinks=False)
            self._note("touch", path)

    def rename(self) -> None:
        source, target = self._pick(), self.new_path()
        if source is not None and not target.startswith(source + b"/"):
            os.rename(source, target)
            self._note("rename", source, target)

    def swap(self) -> None:
        one, other = self._pick(stat.S_IFREG), self._pick(stat.S_IFREG)
        if one is not None and other is not None and one != other:
            os.rename(one, self.root + b"/~swap")
            os.rename(other, one)
            os.rename(self.root + b"/~swap", other)
            self._note("swap", one, other)

    def change_kind(self) -> None:
        path = self._pick()
        if path is None:
            return
        _remove(path)
        kind = self.random.choice(("file", "folder", "link", "fifo"))
        if kind == "file":
            with open(path, "wb") as file:
                file.write(self.content())
        elif kind == "folder":
            os.mkdir(path)
            with open(path + b"/inside", "wb") as file:
                file.write(b"new")
        elif kind == "link":
            os.symlink(b"/etc", path)
        else:
            os.mkfifo(path)
        self._note(f"becomes {kind}", path)

    def change_attribute(self) -> None:
        path = self._pick(stat.S_IFREG, stat.S_IFDIR)
        if path is not None:
            name = self.random.choice(("user.one", "user.two", "trusted.three"))
            os.setxattr(path, name, self.random.randbytes(self.random.choice((0, 1, 100))))
            self._note(f"xattr {name}", path)

    def label_link(self) -> None:
        path = self._pick(stat.S_IFLNK)
        if path is not None:
            os.setxattr(path, "trusted.link", self.random.randbytes(3), follow_symlinks=False)
            self._note("xattr of a link", path)

    def drop_attributes(self) -> None:
        path = self._pick()
        if path is not None:
            for name in os.listxattr(path, follow_symlinks=False):
                os.removexattr(path, name, follow_symlinks=False)
            self._note("xattrs dropped", path)

    def change_acl(self) -> None:
        path = self._pick(stat.S_IFREG, stat.S_IFDIR)
        if path is not None:
            is_default = os.path.isdir(path) and self.random.random() < 0.5
            name = f"system.posix_acl_{'default' if is_default else 'access'}"
            os.setxattr(path, name, _acl(self.random.choice(OWNERS), self.random.randrange(8)))
            self._note(name, path)

    def change_capability(self) -> None:
        path = self._pick(stat.S_IFREG)
        if path is not None:
            os.setxattr(path, "security.capability", self.random.choice(CAPABILITIES))
            self._note("capability", path)

    def build(self) -> None:
        """The tree before the storm: every kind of entry, with all that one can have."""
        os.mkdir(self.root)
        makers: tuple[tuple[int, t.Callable[[], t.Any]], ...] = (
            (6, self.make_folder), (14, self.make_file), (3, self.make_sparse), (5, self.make_link), (2, self.make_fifo),
            (5, self.make_hard_link), (4, self.make_folder), (8, self.make_file), (6, self.change_mode),
            (6, self.change_owner), (4, self.change_times),
            (5, self.change_attribute), (2, self.label_link), (5, self.change_acl), (3, self.change_capability), (4, self.make_hard_link),
        )  # fmt: skip
        for times, make in makers:
            for _round in range(times):
                make()
        for name in NAMES:
            with open(os.path.join(self._folder(), name), "wb") as file:
                file.write(self.content())
        with socket.socket(socket.AF_UNIX) as listener:
            here = os.open(self.root, os.O_RDONLY)
            listener.bind(f"/proc/self/fd/{here}/socket")
            os.close(here)
        os.mknod(self.root + b"/null", 0o620 | stat.S_IFCHR, os.makedev(1, 3))
        self.log.clear()

    def blow(self, strength: int) -> None:
        """Change the tree ``strength`` times."""
        changes: tuple[t.Callable[[], t.Any], ...] = (
            self.make_file, self.make_sparse, self.make_folder, self.make_link, self.make_fifo, self.make_hard_link, self.break_hard_link,
            self.edit, self.edit_secretly, self.edit_secretly, self.fill_hole, self.delete, self.change_mode, self.change_owner,
            self.change_times, self.rename, self.swap, self.change_kind, self.change_attribute, self.label_link, self.drop_attributes,
            self.change_acl, self.change_capability,
        )  # fmt: skip
        for _round in range(strength):
            self.random.choice(changes)()


def _acl(user: int, permissions: int) -> bytes:
    """``u::rw-,u:USER:PERMISSIONS,g::r--,m::rwx,o::---`` as the kernel takes it (linux/posix_acl_xattr.h), version 2."""
    nobody = 0xFFFFFFFF
    entries = ((1, 6, nobody), (2, permissions, user), (4, 4, nobody), (16, 7, nobody), (32, 0, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _remove(path: bytes) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
