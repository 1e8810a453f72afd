# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.guarded.deploy.plugins.module_utils._collect.job_evidence import collect_evidence
from ansible_collections.guarded.deploy.plugins.module_utils._errors import CouldNotLook
from builders.rooted import RootedHost

SHOW = """#!/bin/sh
cat <<'END'
Id=a.service
NRestarts=3
MemoryCurrent=1048576
MemoryMax=infinity
ControlGroup=/system.slice/a.service
ActiveState=active

Id=b.service
NRestarts=0
MemoryCurrent=[not set]
MemoryMax=67108864
ControlGroup=
ActiveState=inactive
END
"""
JOURNAL = r"""#!/bin/sh
cat <<'END'
{"__MONOTONIC_TIMESTAMP":"1000000","UNIT":"b.service","MESSAGE_ID":"7d4958e842da4a758f6c1cdc7b36dcc5","MESSAGE":"Starting"}
{"__MONOTONIC_TIMESTAMP":"8500000","UNIT":"b.service","MESSAGE_ID":"39f53479d3a045ac8e11786248231fbf","MESSAGE":"Finished"}
{"__MONOTONIC_TIMESTAMP":"9000000","UNIT":"b.service","MESSAGE_ID":"fe6faa94e7774663a0da52717891d8ef","MESSAGE":"Killed by the OOM killer."}
{"__MONOTONIC_TIMESTAMP":"9500000","UNIT":"c.service","MESSAGE_ID":"fe6faa94e7774663a0da52717891d8ef","MESSAGE":"x"}
not json b.service
END
"""
PRESSURE = "some avg10=0.00 avg60=1.00 avg300=12.50 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"


@pytest.fixture
def host(tmp_path: Path) -> RootedHost:
    found = RootedHost(tmp_path, own=("timeout", "env", "cat", "sleep"))
    found.write("/bin/systemctl", SHOW, 0o755)
    found.write("/bin/journalctl", JOURNAL, 0o755)
    found.write("/sys/fs/cgroup/system.slice/a.service/memory.events", "low 0\noom 2\noom_kill 2\n")
    found.write("/sys/fs/cgroup/system.slice/a.service/io.pressure", PRESSURE)
    return found


@pytest.mark.feature("C8")
def test_what_the_host_has_seen_is_joined(host: RootedHost) -> None:
    found = collect_evidence(host, ["a.service", "b.service", "a.service"], 10)
    first, second = found["a.service"], found["b.service"]
    assert (first.restarts, first.oom_kills, first.memory_bytes, first.memory_max, first.growth) == (3, 2, 1048576, None, None)
    assert first.pressure == {"io": 12.5}
    assert (second.restarts, second.oom_kills, second.memory_bytes, second.memory_max) == (0, 1, None, 67108864)
    assert second.runs == (7.5,)


@pytest.mark.feature("C8")
def test_growth_is_measured_between_two_looks(host: RootedHost) -> None:
    state = host.root / "n"
    grows = SHOW.replace("cat <<'END'", f"n=$(cat {state} 2>/dev/null || echo 1); echo $((n + 1)) > {state}\ncat <<END").replace(
        "1048576", "$((n * 1048576))"
    )
    host.write("/bin/systemctl", grows, 0o755)
    growth = collect_evidence(host, ["a.service"], 10, sample=0.2)["a.service"].growth
    assert growth is not None
    assert growth > 1 << 20


@pytest.mark.feature("C8")
def test_what_could_not_be_seen_is_no_zero(host: RootedHost) -> None:
    host.write("/bin/journalctl", "#!/bin/sh\necho 'Hint: You are currently not seeing messages from other users' >&2\n", 0o755)
    found = collect_evidence(host, ["b.service"], 10)["b.service"]
    assert found.oom_kills is None
    assert "not seeing messages" in found.unseen[0]
    host.write("/bin/systemctl", "#!/bin/sh\necho broken >&2\nexit 1\n", 0o755)
    with pytest.raises(CouldNotLook, match="systemctl show exited 1: broken"):
        collect_evidence(host, ["b.service"], 10)
