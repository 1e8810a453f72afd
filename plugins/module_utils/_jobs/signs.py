# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Words by which a program tells what it is: those of servers, of waiting for events, of stopping, of control loops."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FLAG = re.compile(
    r"(?i)(?:^|_|\b|\.)(?:is_?|keep_?|should_?|do_?|need_?to_?|to_?|will_?|please_?|_)*"
    r"(?:run|running|runs|stop\w*|exit\w*|quit\w*|shut\w*|kill\w*|term\w*|abort\w*|cancel\w*|interrupt\w*|alive|active|forever|loop\w*|"
    r"daemon\w*|going|continue|end|ended|finish|die|sig\w*|once|one_?shot|single\w*|dry_?run|test\w*|enabled?|started|true|infinite|"
    r"main_thread|debug|interval|repeat|watch|continuous\w*|period\w*|running_?flag|do_?run)(?:$|_|\b)"
)
"""Names of flags that end a loop from outside, or say that it shall run once."""

TIME_LEFT = re.compile(
    r"(?i)(elapsed|remain|delay|interval|wait|sleep|pause|next|until|left|deadline|period|duration|time|delta|diff|last|due|took|spent)"
)
FAILURE = re.compile(r"(?i)(err|fail|exception|consecutive|crash)")
"""Names of what ends a loop because too much went wrong."""

STOPS = re.compile(
    r"(?i)(?:^|_|\b|\.)(?:stop\w*|quit\w*|shut\w*|term(?:inate\w*)?|exit(?:ing|ed|_?flag|_?event|_?requested|_?now)?|kill\w*|cancel\w*|"
    r"abort\w*|interrupt\w*|sig(?:nal\w*|term|int)?|run(?:ning)?|keep_?\w*|going|alive|once|one_?shot|single\w*|dry_?run|daemon\w*|"
    r"loop\w*|forever|interval|repeat|watch|continuous\w*|period\w*|test_?mode|unit_?testing|die)(?:$|_|\b)"
)
"""Names that stand in front of a ``break`` which somebody else asks for."""
EVENT_NAME = re.compile(r"(?i)(wake|trigger|notify|notif|ready|data|new_|changed|event_queue|incoming|work_available|kick|reload)")
STOP_NAME = re.compile(r"(?i)(stop|exit|quit|shut|kill|term|abort|cancel|done|finish|running|alive|end|die|sig|interrupt)")
CONTROL = re.compile(
    r"(?i)(?:^|[\W_])(?:pwm|fan|fans|fan\w*speed|governor|cpufreq|scaling_\w+|(?<!get_)throttl\w*|setpoint|hysteresis|"
    r"thermostat|duty\w*)(?:$|[\W_\d])"
)
HEAT = re.compile(r"(?i)temperature|thermal|overheat|(?:cpu|core|soc|chip)_?temp")
POWERS_OFF = re.compile(
    r"(?i)\bpower_?off\b|power_?off_\w|\bchassis power\b|"
    r"\bshutdown\b[\s'\",]{1,6}(?:-[hPr]|now|\+\d)|\bsystemctl[\s'\",]{1,6}(?:halt|poweroff)|\binit 0\b"
)
"""A machine that is too hot is switched off: a watch that must not pause."""
CONNECTIVITY = re.compile(
    r"(?i)(?:^|[\W_])(?:ping6?|fping|arping)(?:$|[\W_])|connectivity|"
    r"(?:is|check|has)_\w{0,24}(?:connect|internet|online)"
)
RECONNECTS = re.compile(
    r"(?i)(?:re-?start|reset|reconnect|bounce|re-?enable|power_?cycle)[a-z]{0,8}[\W_]{1,4}(?:[a-z\d]{1,20}[\W_]{1,4})?"
    r"(?:wi-?fi|wlan\d?|network\w*|interface|modem|router|vpn|wwan\d?|dhcpcd|"
    r"wpa_supplicant|openvpn|wireguard|ppp\d?|adapter)|\bip[\s'\",]{1,6}link[\s'\",]{1,6}set\b[^\n]{0,60}\b(?:up|down)\b|"
    r"\b(?:openvpn|wireguard|networking|network|dhcpcd|wpa_supplicant|NetworkManager)(?:\.service)? (?:re)?start\b|"
    r"\bifconfig\b[^\n]{0,60}\b(?:up|down)\b|\bif(?:down|up)\b|"
    r"\brfkill\b|\bnmcli\b[^\n]{0,60}\b(?:up|down|on|off|connect)\b|\bwpa_cli\b[^\n]{0,60}\bre|\bwg-quick\b|\bsudo reboot\b"
)
"""What is looked at, and what is done then, by a watchdog of a connection."""
SUPERVISION = re.compile(r"(?i)\b(re-?start(?:ing|ed)?|respawn\w*|re-?launch\w*|crash(?:ed)?|died|exited)\b")
REPAIRS = re.compile(r"(?i)\b(is-active|is-failed|pgrep|pidof|kill -0)\b")
WATCHDOG = re.compile(r"(?i)(watchdog|keep_?alive|WATCHDOG=1|sd_notify|heartbeat_pin|wdt)")
QUEUE = re.compile(
    r"(?i)(?:^|_|\b|\.)(queue\w*|inbox|mailbox|dequeue\w*|pop_?job|next_?job|next_?task|claim\w*|fetch_?job|get_?job\w*|"
    r"pending_?jobs?|job_?queue|task_?queue|get_?task|lease\w*|[lr]pop|reserve_?job)(?:$|_|\b)"
)

# Calls (with the names that imports give them) that make a program a server or a listener to others.
SERVERS = re.compile(
    r"^(?:socketserver\.\w+|SocketServer\.\w+|http\.server\.\w*HTTPServer|BaseHTTPServer\.HTTPServer|"
    r"wsgiref\.simple_server\.make_server|(?:xmlrpc\.server|SimpleXMLRPCServer)\.\w+|asyncio\.start_(?:unix_)?server|"
    r"bottle\.(?:run|Bottle)|(?:aiohttp\.)?web\.(?:run_app|AppRunner|Application)|grpc\.(?:aio\.)?server|"
    r"prometheus_client\.(?:start_http_server|start_wsgi_server|make_wsgi_app)|start_http_server|werkzeug\.serving\.run_simple|"
    r"eventlet\.(?:listen|wsgi\.\w+)|gevent\.(?:pywsgi|server|baseserver)\.\w+|"
    r"(?:twisted\.internet\.)?reactor\.(?:listen\w+|connect\w+)|tornado\.(?:web|httpserver|tcpserver|websocket)\.\w+|"
    r"flask\.Flask|fastapi\.FastAPI|sanic\.Sanic|quart\.Quart|dash\.Dash|falcon\.\w+|pymodbus\.server\.\w+|"
    r"dbus\.(?:service|mainloop)(?:\.\w+)+|(?:select|selectors)\.(?:poll|epoll|kqueue|\w+Selector)|signal\.(?:pause|sigwait\w*)|"
    r"asyncore\.loop|watchdog\.observers(?:\.\w+)+|scapy(?:\.\w+)*\.(?:sniff|AsyncSniffer)|kafka\.KafkaConsumer|"
    r"confluent_kafka\.Consumer|aiokafka\.AIOKafkaConsumer|commands\.Bot|telegram\.ext(?:\.\w+)+|slack_sdk\.(?:rtm\w*|"
    r"socket_mode)(?:\.\w+)+|"
    r"irc(?:\.\w+)+|rospy\.(?:Subscriber|Service|spin)|multiprocessing\.managers\.\w+|can\.(?:Notifier|interface\.Bus|Bus)|"
    r"bluepy\.btle\.\w+|Flask|FastAPI|Bottle|HTTPServer|ThreadingHTTPServer|TCPServer|ThreadingTCPServer|UDPServer)$"
)
# Libraries that are there to listen to others, whatever of them is called.
SERVING_LIBRARIES = _words(
    "slack_bolt telebot aiogram telethon pyrogram slixmpp sleekxmpp twitchio pystray pyinotify inotify inotify_simple "
    "asyncinotify watchfiles pyudev avahi evdev zmq nats websockets websocket socketio aiocoap asyncua pyftpdlib dbus_next dasbus "
    "pydbus sdbus bleak livereload sseclient discord nextcord disnake flask_socketio rpyc Pyro4 Pyro5 zeroconf celery rq huey "
    "dramatiq faust pika aio_pika hypercorn cherrypy gunicorn waitress uvicorn daphne pynput keyboard pyaudio sounddevice vosk "
    "pygame tkinter PyQt5 PyQt6 PySide2 PySide6 kivy aioblescan pyrad dnslib ldaptor mitmproxy gevent_websocket nicegui streamlit "
    "gradio slackclient hbmqtt amqtt"
)

# Methods that mean the same wherever they stand, unless the program defines them itself.
EVENT_METHODS = _words(
    "accept recv recvfrom recv_into recvmsg recv_multipart recv_json recv_string recv_pyobj serve_forever handle_request "
    "start_consuming basic_consume run_polling start_polling infinity_polling polling loop_forever run_forever "
    "wait_for_notifications waitForNotifications add_event_detect wait_for_edge event_gen read_events read_loop async_read_loop "
    "pubsub psubscribe subscribe blpop brpop brpoplpush blmove xread xreadgroup run_until_disconnected add_signal_receiver "
    "wait_for_termination start_server create_server run_app add_insecure_port add_secure_port receive_message "
    "get_messages_stream stream_listen listen_forever idle_check wait_for_event wait_for_press when_pressed add_watch epoll_wait"
)
# Callbacks that others call: assigned, or handed over.
CALLBACKS = _words("on_message on_event on_data on_press on_release when_pressed when_motion message_callback_add on_open")
