#!/usr/bin/env python
"""Answers on a port; its main thread only keeps it alive."""

import socketserver
import threading
import time


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline())


server = socketserver.ThreadingTCPServer(("127.0.0.1", 7007), Echo)
threading.Thread(target=server.serve_forever, daemon=True).start()
while True:
    time.sleep(3600)
