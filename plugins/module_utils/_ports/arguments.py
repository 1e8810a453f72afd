# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The ports that a command line asks for.

Only what is known is read: options of programs in :data:`PROGRAMS`, and a few long options that mean a listen address
wherever they occur. "Unknown" (nothing) is a right answer here; a wrong port is not. ``-p`` is a port to one program
and a password to the next, so no short option means anything without its program.
"""

from __future__ import annotations

import re
import typing as t

from .._containers.command_line import SHELLS, count_wrapping, find_script
from .._containers.shell import find_commands
from .._errors import Unparsable
from .model import WantedPort


class Program(t.NamedTuple):
    """What a program's options mean.

    ``endpoints`` take ``address:port`` (or a port alone), ``ports`` a port alone, ``addresses`` the address that goes
    with it. ``default`` is the port without any of them, given only where no configuration file or variable can set
    another. ``source`` says where this is known from.

    ``variables`` are environment variables that say the same as an option: the option (its long form) by variable.
    ``needs`` are words of which one must be there, else the program does not listen (``iperf3 -s``); with one of
    ``unless`` it does not either. ``besides`` are options for ports of their own, each with the endpoint that it has
    where it is not given, and its protocols. With one of ``overruled`` no other option counts. ``also`` says, in half a
    sentence, why it may hold other ports than its arguments tell; ``also_without`` are options that put an end to that.
    ``data`` are options that take the folder that it keeps its state in.
    """

    source: str
    endpoints: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    protos: tuple[str, ...] = ("tcp",)
    default: int | None = None
    default_address: str = "*"
    variables: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    besides: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    overruled: tuple[str, ...] = ()
    also: str = ""
    also_without: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


class Asked(t.NamedTuple):
    """What one command asks for. ``program`` is its name without interpreter and wrappers; ``unknown`` says why it may
    hold ports that are not in ``ports``, and is empty where they are the whole truth; ``data`` are folders."""

    program: str
    ports: tuple[WantedPort, ...]
    unknown: str
    data: tuple[str, ...]


Environment = t.Mapping[str, t.Optional[str]]

_TCP_AND_UDP = ("tcp", "udp")
_CONFIGURATION = "its configuration file may name others"


def _exporter(
    port: int,
    source: str = "exporter-toolkit: --web.listen-address; --web.systemd-socket listens on none of its own",
    option: str = "web.listen-address",
    variable: str = "",
) -> Program:
    # Those with Go's own flags take one dash or two.
    options = (f"--{option}", f"-{option}")
    return Program(source, options, default=port, unless=("--web.systemd-socket",), variables=((variable, options[0]),) if variable else ())


def _exporters(exporters: t.Mapping[str, Program]) -> dict[str, Program]:
    """Exporters under their own name and under the one that Debian gives them."""
    found = {f"{name}_exporter": program for name, program in exporters.items()}
    found.update((f"prometheus-{name.replace('_', '-')}-exporter", program) for name, program in exporters.items())
    return found


_ALERTMANAGER = Program(
    "alertmanager --help; 9094 is its cluster's, which an empty --cluster.listen-address= turns off",
    ("--web.listen-address",),
    default=9093,
    unless=("--web.systemd-socket",),
    besides=(("--cluster.listen-address", ":9094", _TCP_AND_UDP),),
    data=("--storage.path",),
)

_PROGRAMS: dict[str, Program] = {
    # Ports: each exporter's --help or README, and the Prometheus wiki, "Default port allocations".
    **_exporters(
        {
            "apache": _exporter(9117),
            "bind": _exporter(9119),
            "bird": _exporter(9324),
            "blackbox": _exporter(9115),
            "consul": _exporter(9107),
            "elasticsearch": _exporter(9114),
            "exporter": Program(
                "exporter_exporter --help", ("-web.listen-address", "-web.tls.listen-address"), default=9999, also=_CONFIGURATION
            ),
            "frr": _exporter(9342),
            "haproxy": _exporter(9101),
            "homeplug": _exporter(9702, "homeplug_exporter --help", "telemetry.address"),
            "ipmi": _exporter(9290),
            "memcached": _exporter(9150),
            "mysqld": _exporter(9104),
            "nginx": _exporter(9113, "nginx-prometheus-exporter --help", variable="LISTEN_ADDRESS"),
            "node": _exporter(9100),
            "postgres": _exporter(9187),
            "process": _exporter(9256),
            "redis": _exporter(9121, "redis_exporter --help", variable="REDIS_EXPORTER_WEB_LISTEN_ADDRESS"),
            "snmp": _exporter(9116),
            "sql": _exporter(9237),
            "squid": _exporter(9301, "squid-exporter --help", "listen", "SQUID_EXPORTER_LISTEN"),
            "systemd": _exporter(9558),
            "tplink_plug": _exporter(9233, "tplink-plug-exporter --help", "metrics.listen-addr"),
            "varnish": _exporter(9131),
        }
    ),
    "smokeping_prober": _exporter(9374),
    "prometheus-smokeping-prober": _exporter(9374),
    # Debian's package listens elsewhere than upstream (9216).
    "prometheus-mongodb-exporter": Program(
        "prometheus-mongodb-exporter --help", ("--web.listen-address", "-web.listen-address"), default=9001
    ),
    "alertmanager": _ALERTMANAGER,
    "beanstalkd": Program("beanstalkd(1): -l, -p; default 0.0.0.0:11300", (), ("-p",), ("-l",), default=11300, data=("-b",)),
    "busybox httpd": Program("busybox httpd --help: -p [IP:]PORT, default *:80", ("-p",), default=80),
    "cadvisor": Program("cadvisor --help", (), ("--port", "-port"), ("--listen_ip", "-listen_ip"), default=8080),
    "code-server": Program("code-server --help", ("--bind-addr",), ("--port",), also=_CONFIGURATION, data=("--user-data-dir",)),
    "daphne": Program(
        "daphne --help", (), ("-p", "--port"), ("-b", "--bind"), default=8000, default_address="127.0.0.1", unless=("-u", "--fd", "-e")
    ),
    "darkhttpd": Program("darkhttpd --help", (), ("--port",), ("--addr",), also="its default port depends on its user"),
    "distccd": Program("distccd(1)", (), ("-p", "--port"), ("--listen",), default=3632, needs=("--daemon", "--no-detach")),
    "dnsmasq": Program("dnsmasq(8)", (), ("-p", "--port"), protos=_TCP_AND_UDP, also=_CONFIGURATION),
    "dropbear": Program("dropbear(8): -p [address:]port, default 22", ("-p",), default=22, unless=("-i",)),
    "epmd": Program("epmd(1): -port, default 4369", (), ("-port",), ("-address",), default=4369, variables=(("ERL_EPMD_PORT", "-port"),)),
    "etcd": Program(
        "etcd --help: ETCD_* variables say the same; a configuration file, and nothing else counts",
        ("--listen-metrics-urls",),
        variables=(
            ("ETCD_CONFIG_FILE", "--config-file"),
            ("ETCD_LISTEN_CLIENT_URLS", "--listen-client-urls"),
            ("ETCD_LISTEN_METRICS_URLS", "--listen-metrics-urls"),
            ("ETCD_LISTEN_PEER_URLS", "--listen-peer-urls"),
        ),
        besides=(("--listen-client-urls", "127.0.0.1:2379", ("tcp",)), ("--listen-peer-urls", "127.0.0.1:2380", ("tcp",))),
        overruled=("--config-file",),
        data=("--data-dir",),
    ),
    "flask": Program(
        "flask run --help; FLASK_RUN_* variables say the same",
        (),
        ("-p", "--port"),
        ("-h", "--host"),
        default=5000,
        default_address="127.0.0.1",
        variables=(("FLASK_RUN_PORT", "--port"), ("FLASK_RUN_HOST", "--host")),
        needs=("run",),
    ),
    "granian": Program(
        "granian --help; GRANIAN_* variables say the same",
        (),
        ("--port",),
        ("--host",),
        default=8000,
        default_address="127.0.0.1",
        variables=(("GRANIAN_PORT", "--port"), ("GRANIAN_HOST", "--host")),
        unless=("--uds",),
    ),
    "gunicorn": Program("gunicorn --help", ("-b", "--bind"), also=_CONFIGURATION),
    "httpd": Program("busybox httpd --help; Apache's httpd has no -p", ("-p",), also=_CONFIGURATION),
    "hypercorn": Program("hypercorn --help", ("-b", "--bind", "--insecure-bind", "--quic-bind"), also=_CONFIGURATION),
    "iperf3": Program(
        "iperf3(1): -s, -p, -B; default 5201; UDP tests take the port as well",
        (),
        ("-p", "--port"),
        ("-B", "--bind"),
        default=5201,
        needs=("-s", "--server"),
    ),
    "mariadbd": Program("mariadbd --help", (), ("-P", "--port"), ("--bind-address",), also=_CONFIGURATION, data=("--datadir", "-h")),
    "memcached": Program(
        "memcached -h: -p, -l, -s; default 11211",
        ("-l", "--listen"),
        ("-p", "--port"),
        ("-l", "--listen"),
        default=11211,
        unless=("-s", "--unix-socket"),
    ),
    "minio": Program(
        "minio server --help; default :9000, and any port for the console",
        ("--address", "--console-address"),
        needs=("server",),
        also="it takes any port for its console where none is named",
    ),
    "mongod": Program("mongod --help", (), ("--port",), ("--bind_ip",), also=_CONFIGURATION, data=("--dbpath",)),
    "mosquitto": Program("mosquitto(8)", (), ("-p", "--port"), also=_CONFIGURATION),
    "mysqld": Program("mysqld --help", (), ("-P", "--port"), ("--bind-address",), also=_CONFIGURATION, data=("--datadir", "-h")),
    "named": Program("named(8)", (), ("-p",), protos=_TCP_AND_UDP, also=_CONFIGURATION),
    "netavark": Program("netavark dhcp-proxy --help: a Unix socket", unless=("dhcp-proxy",)),
    "ng": Program("ng serve --help", (), ("--port",), ("--host",), needs=("serve",), also="angular.json may name its port"),
    "ollama": Program(
        "ollama serve --help: OLLAMA_HOST, default 127.0.0.1:11434",
        ("--listen-by-variable",),
        default=11434,
        default_address="127.0.0.1",
        variables=(("OLLAMA_HOST", "--listen-by-variable"),),
        needs=("serve",),
    ),
    "php": Program("php --help: -S <addr>:<port>", ("-S",)),
    "postgres": Program("postgres --help", (), ("-p", "--port"), ("-h",), also=_CONFIGURATION, data=("-D",)),
    "prometheus": Program(
        "prometheus --help",
        ("--web.listen-address",),
        default=9090,
        unless=("--web.systemd-socket",),
        data=("--storage.tsdb.path", "--storage.agent.path"),
    ),
    "prometheus-alertmanager": _ALERTMANAGER,  # Debian's name
    "prometheus-pushgateway": _exporter(9091, "pushgateway --help (Debian's name)"),
    "puma": Program("puma --help: -b tcp://0.0.0.0:9292, -p PORT", ("-b", "--bind"), ("-p", "--port"), also=_CONFIGURATION),
    "pushgateway": _exporter(9091, "pushgateway --help"),
    "pwngrid": Program("pwngrid -help: -address, default 0.0.0.0:8666 in peer mode", ("-address",)),
    "python -m http.server": Program("python3 -m http.server --help", addresses=("-b", "--bind"), default=8000),
    "redis-server": Program(
        "redis-server --help: options are settings of redis.conf",
        (),
        ("--port", "--tls-port"),
        ("--bind",),
        also=_CONFIGURATION,
        data=("--dir",),
    ),
    "ss-manager": Program(
        "ss-manager(1): its control socket is UDP",
        ("--manager-address",),
        protos=("udp",),
        also="it listens for every server of its configuration",
    ),
    "sshd": Program("sshd(8)", (), ("-p",), also=_CONFIGURATION),
    "streamlit": Program(
        "streamlit run --help: default 8501",
        (),
        ("--server.port",),
        ("--server.address",),
        variables=(("STREAMLIT_SERVER_PORT", "--server.port"), ("STREAMLIT_SERVER_ADDRESS", "--server.address")),
        also=_CONFIGURATION,
    ),
    "tailscale": Program(
        "tailscale web --help: --listen, default localhost:8088",
        ("--listen",),
        default=8088,
        default_address="127.0.0.1",
        needs=("web",),
        unless=("--cgi",),
    ),
    "ttyd": Program("ttyd(1): -p, default 7681", (), ("-p", "--port"), default=7681),
    "uvicorn": Program(
        "uvicorn --help; UVICORN_* variables say the same",
        (),
        ("--port",),
        ("--host",),
        default=8000,
        default_address="127.0.0.1",
        variables=(("UVICORN_PORT", "--port"), ("UVICORN_HOST", "--host")),
        unless=("--uds", "--fd"),
    ),
    "uwsgi": Program("uwsgi --help", ("--http", "--http-socket", "--https", "--https-socket", "--socket", "-s"), also=_CONFIGURATION),
    "valkey-server": Program("valkey-server --help", (), ("--port", "--tls-port"), ("--bind",), also=_CONFIGURATION, data=("--dir",)),
    "varnishd": Program(
        "varnishd(1): -a, default port 80; -T, default any port of the loopback",
        ("-T",),
        besides=(("-a", ":80", ("tcp",)),),
        also="it takes any port of the loopback for its command line",
        also_without=("-T",),
    ),
    "waitress-serve": Program(
        "waitress-serve --help: default 0.0.0.0:8080", ("--listen",), ("--port",), ("--host",), default=8080, unless=("--unix-socket",)
    ),
}
PROGRAMS = dict(sorted(_PROGRAMS.items()))
"""Programs by the name that :func:`read_commands` gives them."""
# Programs that open no IP port, whatever their arguments. Sources: their manual pages, and what they listen on on
# Debian 12 and 13.
SILENT = frozenset(
    "agetty apt-get atd auditd bootctl cat chmod chown cp cron crond dbus-broker-launch dbus-daemon depmod "  # noqa: SIM905
    "dmsetup echo false find fstrim getty gpasswd grep hwclock install irqbalance journalctl kmod ldconfig ln "
    "logrotate lvm mdadm mkdir modprobe mount mountpoint mv networkctl nft polkitd quotaon rm rmdir sed "
    "setfacl sleep smartd ssh-keygen sulogin swapoff swapon sync sysctl systemctl test touch true tune2fs "
    "udevadm udisksd umount update-grub upowerd wpa_supplicant "
    # Words of shells.
    ": [ } case cd done esac exit export fi for local printf read readonly return set shift trap ulimit umask unset wait".split()
)
# Those of systemd that open no IP port either: not networkd (DHCP), resolved, journal-remote and the like, and not what
# runs another program (run, cat, inhibit, nspawn, socket-activate). Others give their own wrappers such names too
# (Debian: systemd-memcached-wrapper).
_SILENT_SYSTEMD = frozenset(
    "ac-power analyze ask-password backlight battery-check binfmt bless-boot boot-check-no-failures bsod cgroups-agent coredump "  # noqa: SIM905
    "creds cryptenroll cryptsetup delta detect-virt dissect escape export firstboot fsck fsckd growfs hibernate-resume homed hostnamed "
    "hwdb id128 initctl integritysetup journal-upload journald localed logind machine-id-setup machined makefs measure modules-load mount "
    "network-generator networkd-wait-online notify oomd pcrextend pcrlock pcrphase portabled pstore quotacheck random-seed "
    "remount-fs repart reply-password rfkill shutdown sleep socket-proxyd ssh-issue sulogin-shell sysctl sysext sysroot-fstab-check "
    "sysupdate sysusers time-wait-sync timedated timesyncd tmpfiles tpm2-setup tty-ask-password-agent udevd umount "
    "update-done update-helper update-utmp user-runtime-dir user-sessions userdbd userwork veritysetup volatile-root".split()
)
# Long options that name a listen address in whatever program has them; they count only with "address:port" behind them.
_ANYWHERE = (
    "--bind-address",
    "--health-probe-bind-address",
    "--http-address",
    "--listen",
    "--listen-addr",
    "--listen-address",
    "--metrics-bind-address",
    "--web.listen-address",
)
# Long options that name a folder of state in whatever program has them.
_DATA_ANYWHERE = ("--data-dir", "--datadir", "--data-path", "--storage-path")
# Java: Spring Boot's property, as a system property too; Jenkins. Traefik: --entrypoints.web.address=:80/udp
_PROPERTY = re.compile(r"(?:-Dserver\.port|--server\.port|--httpPort)=(?P<port>\d+)$")
_ENTRY_POINT = re.compile(r"--entry[pP]oints\.[\w-]+\.address=(?P<endpoint>[^/]*)(?:/(?P<proto>tcp|udp))?$")
# socat: TCP4-LISTEN:80,fork
_SOCAT = re.compile(r"(?P<proto>tcp|udp)[46]?-(?:listen|l|recv|recvfrom):(?P<port>\d+)(?:,.*?\bbind=(?P<address>[^,]+))?", re.IGNORECASE)
# Port 0 asks for any; a Unix socket, a passed descriptor and an empty value for none.
_NO_PORT = re.compile(r"$|(?:unix|fd)(?:@|:)|[@/.]|(?:[a-z0-9+]+://)?(?:\[[0-9A-Fa-f:.]*\]|[^:/]*):0+/?$|0+$")
_ENDPOINT = re.compile(
    r"(?:[a-z0-9+]+://)?(?P<address>\[[0-9A-Fa-f:.]*(?:%\w+)?\]|\d{1,3}(?:\.\d{1,3}){3}|localhost|\*|):(?P<port>\d{1,5})/?$"
)


def find_ports(argv: t.Sequence[str], environment: Environment | None = None) -> tuple[WantedPort, ...]:
    """The ports that a command line asks for, as far as they are known; all with the confidence ``inferred``.
    ``environment`` as in :func:`read_commands`."""
    return tuple(dict.fromkeys(port for command in read_commands(argv, environment) for port in command.ports))


def read_commands(argv: t.Sequence[str], environment: Environment | None = None) -> tuple[Asked, ...]:
    """What every command in a command line asks for: of a shell's ``-c``, each in its turn; of what wraps a program,
    the program alone. Empty where no program can be told (a shell that reads a script from a file).

    ``environment`` has the variables that are set, None as the value of one that nobody knows; without it, no default
    is taken of a program that reads its port from a variable.
    """
    return tuple(_asked(command, environment) for command in _commands(argv, 3))


def _commands(argv: t.Sequence[str], depth: int) -> list[t.Sequence[str]]:
    """The programs that a command line runs, without what wraps them; a shell's ``-c`` is looked into."""
    argv = argv[count_wrapping(argv) :]
    if not argv:
        return []
    if _name(argv[0]) not in SHELLS:
        return [argv]
    script = find_script(argv)
    if script is None or depth == 0:
        return []
    try:
        commands = find_commands(script, "script")
    except Unparsable:
        return []
    return [inner for command in commands for inner in _commands(command.words, depth - 1)]


def _name(path: str) -> str:
    # "-bash" is a login shell; "nginx:" a title that a program has set.
    return path.rpartition("/")[2].lstrip("-").rstrip(":")


def is_silent(program: str) -> bool:
    """Whether a program opens no IP port, whatever its arguments."""
    return program in SILENT or (program.startswith("systemd-") and program.removeprefix("systemd-") in _SILENT_SYSTEMD)


def _asked(argv: t.Sequence[str], environment: Environment | None) -> Asked:
    name, rest = _program(argv)
    if is_silent(name):
        return Asked(name, (), "", ())
    special = _SPECIAL.get(name)
    if special is not None:
        ports = special(rest)
        return Asked(name, tuple(ports), "" if ports else f"the arguments of {name} tell no port", ())
    program = PROGRAMS.get(name)
    if program is None:
        ports = _by_option(name, rest)
        why = f"{name} may hold ports besides those of its arguments" if ports else f"its command line does not tell the ports of {name}"
        return Asked(name, tuple(ports), why, _data(rest, ()))
    data = _data(rest, program.data)
    if any(_has(rest, word) for word in program.unless):
        return Asked(name, (), "", data)
    if program.needs and not any(_has(rest, word) for word in program.needs):
        return Asked(name, (), f"{name} has none of {', '.join(program.needs)} in its arguments", data)
    rest = [*rest, *_from_variables(program, rest, environment)]
    if any(not _may_be_options(text) for text in _values(rest, program.overruled)):
        return Asked(name, (), f"the ports of {name} stand in its configuration file", data)
    ports = _by_table(name, program, rest)
    return Asked(name, tuple(ports), _unknown(name, program, rest, ports), data)


def _unknown(name: str, program: Program, rest: list[str], ports: list[WantedPort]) -> str:
    if any(_may_be_options(word) for word in rest):
        return f"the arguments of {name} hold a variable that is not known"
    if program.also and not any(_values(rest, (option,)) for option in program.also_without):
        return f"{name}: {program.also}"
    options = (*program.endpoints, *program.ports, *(option for option, _default, _protos in program.besides))
    asked = [one for text in _values(rest, options) for one in text.split(",")]
    unread = [one for one in asked if not _NO_PORT.match(one) and not _wanted(name, one, ("tcp",), "*", plain_port=True)]
    if set(program.addresses) & set(program.endpoints):
        # memcached -l 127.0.0.1 says nothing of a port.
        unread = []
    if unread and unread[0].startswith("$"):
        return f"the variable {unread[0][1:]}, which {name} reads, is not known"
    if unread:
        return f"the arguments of {name} say {unread[0]!r:.80}, which names no port that can be told"
    return "" if ports or asked else f"the arguments of {name} tell no port"


def _may_be_options(word: str) -> bool:
    """Whether a word stands for options that nobody knows: ``$ARGS``, ``{{ arguments }}``."""
    return word.startswith(("$", "{{"))


def _has(rest: list[str], word: str) -> bool:
    return any(one == word or one.startswith(word + "=") for one in rest)


def _data(rest: list[str], options: tuple[str, ...]) -> tuple[str, ...]:
    texts = _values(rest, (*options, *_DATA_ANYWHERE))
    return tuple(dict.fromkeys(text.rstrip("/") for text in texts if text.startswith("/") and text.rstrip("/")))


def _program(argv: t.Sequence[str]) -> tuple[str, list[str]]:
    """The name that the table knows a command by, and its arguments."""
    name, rest = _name(argv[0]), list(argv[1:])
    if name == "busybox" and rest:
        applet = _name(rest[0])
        return (f"busybox {applet}" if f"busybox {applet}" in PROGRAMS else applet), rest[1:]
    if re.match(r"(?:python|pypy)[\d.]*$", name):
        return _python(rest)
    return name, rest


def _python(rest: list[str]) -> tuple[str, list[str]]:
    for index, word in enumerate(rest):
        if word == "-m" and index + 1 < len(rest):
            module = rest[index + 1]
            known = f"python -m {module}"
            return (known if known in PROGRAMS else module), rest[index + 2 :]
        if not word.startswith("-"):
            # A script: "python3 /usr/bin/gunicorn --bind ..."
            return _name(word), rest[index + 1 :]
    return "python", []


def _values(rest: list[str], options: tuple[str, ...]) -> list[str]:
    """The values of the options: behind ``=``, in the next word, or glued to a short one (``-p80``)."""
    found = []
    for index, word in enumerate(rest):
        if word == "--":
            break
        for option in options:
            if word == option and index + 1 < len(rest):
                found.append(rest[index + 1])
            elif word.startswith(option + "="):
                found.append(word[len(option) + 1 :])
            elif len(option) == 2 and word.startswith(option) and word[2:].isdigit():
                found.append(word[2:])
    return found


def _by_table(name: str, program: Program, rest: list[str]) -> list[WantedPort]:
    """``rest`` has the options that variables stand for as well."""
    addresses = [_address(one) for text in _values(rest, program.addresses) for one in text.split(",")]
    asked = [one for text in _values(rest, program.endpoints) for one in text.split(",")]
    if set(program.addresses) & set(program.endpoints):
        # memcached -l 127.0.0.1 and -l 127.0.0.1:11212
        asked = [one for one in asked if _ENDPOINT.match(one)]
    plain = _values(rest, program.ports)
    if name == "python -m http.server":
        plain = [word for word in rest if word.isdigit()][:1]
    hidden = any(_may_be_options(word) for word in rest)
    found = _besides(name, program, rest, hidden)
    for text in asked:
        found += _wanted(name, text, program.protos, "*", plain_port=True)
    # A variable that nobody knows may hold the option.
    if not (asked or plain) and program.default is not None and not hidden:
        name, plain = f"{name} without a port option", [str(program.default)]
    for text in plain:
        for address in addresses or [program.default_address]:
            found += _wanted(name, text, program.protos, address, plain_port=True)
    return found


def _besides(name: str, program: Program, rest: list[str], hidden: bool) -> list[WantedPort]:
    found = []
    for option, default, protos in program.besides:
        texts = [one for text in _values(rest, (option,)) for one in text.split(",")]
        if not texts and not hidden:
            found += _wanted(f"{name} without {option}", default, protos, "*", plain_port=True)
        for text in texts:
            found += _wanted(name, text, protos, "*", plain_port=True)
    return found


def _from_variables(program: Program, rest: list[str], environment: Environment | None) -> list[str]:
    """The options that variables stand for, where the arguments have none of them. Of a variable that nobody knows, one
    whose value is the variable, which is no port and no default either."""
    found = []
    for variable, option in program.variables:
        value = environment.get(variable, "") if environment is not None else None
        if value != "" and not _has(rest, option):
            found.append(f"{option}=${variable}" if value is None else f"{option}={value}")
    return found


def _by_option(name: str, rest: list[str]) -> list[WantedPort]:
    found = []
    for text in _values(rest, _ANYWHERE):
        found += _wanted(name, text, ("tcp",), "*", plain_port=False)
    for word in rest:
        match = _PROPERTY.match(word)
        if match is not None:
            found += _wanted(name, match["port"], ("tcp",), "*", plain_port=True)
        match = _ENTRY_POINT.match(word)
        if match is not None:
            found += _wanted(name, match["endpoint"], (match["proto"] or "tcp",), "*", plain_port=False)
    return found


def _django(rest: list[str]) -> list[WantedPort]:
    """``manage.py runserver [--noreload] [[address:]port]``, 127.0.0.1:8000 without (Django's django-admin page)."""
    if "runserver" not in rest:
        return []
    behind = [word for word in rest[rest.index("runserver") + 1 :] if not word.startswith("-")]
    return _wanted("runserver", behind[-1] if behind else "8000", ("tcp",), "127.0.0.1", plain_port=True)


def _dsvpn(rest: list[str]) -> list[WantedPort]:
    """``dsvpn server <key file> <address|auto> <port|auto> ...`` (its usage text)."""
    if rest[:1] != ["server"] or len(rest) < 4:
        return []
    return _wanted("dsvpn", rest[3], ("tcp",), _address(rest[2]), plain_port=True)


def _rsync(rest: list[str]) -> list[WantedPort]:
    """``rsync --daemon --port=8730`` (rsync(1)); its configuration file may name the port where no option does."""
    if "--daemon" not in rest:
        return []
    address = next((_address(text) for text in _values(rest, ("--address",))), "*")
    return [port for text in _values(rest, ("--port",)) for port in _wanted("rsync", text, ("tcp",), address, plain_port=True)]


_LDAP_PORTS = {"ldap": "389", "ldaps": "636"}
_LDAP_URL = re.compile(r"(?P<scheme>ldaps?)://(?P<address>[^/:\[\]]*|\[[^]]*\])(?::(?P<port>\d+))?/?$")


def _slapd(rest: list[str]) -> list[WantedPort]:
    """``slapd -h "ldap:/// ldaps://127.0.0.1:1636/ ldapi:///"`` (slapd(8)): ``ldap:///`` is port 389, its default too."""
    texts = " ".join(_values(rest, ("-h",)))
    if any(_may_be_options(word) for word in rest):
        return []
    found = []
    for url in (texts or "ldap:///").split():
        match = _LDAP_URL.match(url)
        if match is not None:
            port = match["port"] or _LDAP_PORTS[match["scheme"]]
            found += _wanted("slapd", port, ("tcp",), _address(match["address"]), plain_port=True)
    return found


def _netcat(rest: list[str]) -> list[WantedPort]:
    """``nc -lk -p 9090 -e cat``, ``nc -l 9090``, ``nc -lup 53``."""
    letters = "".join(word[1:] for word in rest if re.match(r"-[a-zA-Z]+$", word))
    if "l" not in letters and "--listen" not in rest:
        return []
    texts = [rest[index + 1] for index, word in enumerate(rest[:-1]) if re.match(r"-[a-zA-Z]*p$", word)]
    texts = texts or [word for word in rest if word.isdigit()][-1:]
    protos = ("udp",) if "u" in letters or "--udp" in rest else ("tcp",)
    return [port for text in texts[:1] for port in _wanted("nc", text, protos, "*", plain_port=True)]


def _socat(rest: list[str]) -> list[WantedPort]:
    found = []
    for word in rest:
        match = _SOCAT.match(word)
        if match is not None:
            address = _address(match["address"] or "")
            found += _wanted("socat", match["port"], (match["proto"].lower(),), address, plain_port=True)
    return found


def _wanted(name: str, text: str, protos: tuple[str, ...], address: str, plain_port: bool) -> list[WantedPort]:
    """The ports of ``8080``, ``:8080``, ``127.0.0.1:8080`` or ``http://[::1]:8080``; none where it is something else."""
    match = _ENDPOINT.match(text)
    if match is not None:
        address, digits = _address(match["address"]), match["port"]
    elif plain_port and text.isdigit():
        digits = text
    else:
        return []
    port = int(digits)
    # Port 0 asks for any.
    return [WantedPort(proto, address, port, f"arguments of {name}", "inferred") for proto in protos if 0 < port <= 65535]


def _address(text: str) -> str:
    bare = text.strip("[]")
    if bare in ("", "*"):
        return "*"
    if bare == "localhost":
        return "127.0.0.1"
    # Names are not looked up: they are taken for every address, so nothing is missed.
    return bare if re.match(r"[0-9A-Fa-f:.]+(?:%\w+)?$", bare) and (":" in bare or "." in bare) else "*"


# Programs whose port is no option's value.
_SPECIAL: dict[str, t.Callable[[list[str]], list[WantedPort]]] = {
    "django-admin": _django,
    "dsvpn": _dsvpn,
    "manage.py": _django,
    "nc": _netcat,
    "ncat": _netcat,
    "netcat": _netcat,
    "rsync": _rsync,
    "slapd": _slapd,
    "socat": _socat,
}
