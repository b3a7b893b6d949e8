"""Connects to ports of 127.0.0.1, and prints those whose certificate Python accepts: client.py ROOTS PORT NAME [PORT NAME]..."""
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[1])
for port, name in zip(sys.argv[2::2], sys.argv[3::2]):
    try:
        with socket.create_connection(("127.0.0.1", int(port)), 20) as plain:
            with context.wrap_socket(plain, server_hostname=name):
                print(port)
    except OSError as error:
        print(port, error, file=sys.stderr)
