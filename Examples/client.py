#!/usr/bin/env python3
"""A client of Sakuin's protocol in plain Python, without libraries: handshake, search, latencies.

    client.py HOST:PORT|unix:PATH INDEX QUERY            # prints the reply's total and keys
    client.py HOST:PORT INDEX --queries FILE.tsv         # asks one query after another; p50/p99 of the round trip by kind

With --token-file FILE it shows the token in that file; with --tls-ca FILE it speaks TLS with a server of these CAs.
Frames and messages are those of Protocol/PROTOCOL.md and Protocol/sakuin/v1/sakuin.proto.
"""
import argparse, socket, ssl, struct, sys, time

HELLO, WELCOME, REQUEST, REPLY, ERROR = 1, 2, 3, 4, 5


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(message):
    """(number, value) of every field: int for varints, bytes for strings and messages."""
    at = 0

    def read():
        nonlocal at
        shift = value = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(message):
        tag = read()
        if tag & 7 == 0:
            yield tag >> 3, read()
        elif tag & 7 == 2:
            length = read()
            yield tag >> 3, message[at:at + length]
            at += length
        else:
            size = 4 if tag & 7 == 5 else 8
            yield tag >> 3, message[at:at + size]
            at += size


def message(status):
    """The sentence of a Status."""
    return dict(fields(status)).get(2, b"").decode()


class Client:
    def __init__(self, server, token=b"", ca=None):
        if server.startswith("unix:"):
            host = None
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(server[len("unix:"):])
        else:
            host, port = server.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca:
            self.socket = ssl.create_default_context(cafile=ca).wrap_socket(self.socket, server_hostname=host)
        self.file = self.socket.makefile("rb")
        self.stream = 0
        hello = number(1, 1) + number(2, 1) + data(3, b"client.py") + number(4, 1 << 26) + number(5, 1 << 20)
        if token:
            hello += data(6, token)
        self.send(HELLO, 0, hello)
        kind, _, payload = self.receive()
        if kind != WELCOME:
            sys.exit(f"no welcome: {message(payload)}")

    def send(self, kind, stream, payload):
        self.socket.sendall(struct.pack("<IBBHI", len(payload), kind, 0, 0x4B53, stream) + payload)

    def receive(self):
        length, kind, _, magic, stream = struct.unpack("<IBBHI", self.file.read(12))
        assert magic == 0x4B53
        return kind, stream, self.file.read(length)

    def search(self, index, query, limit=10):
        """Total and keys, best first."""
        self.stream += 1
        call = data(1, index.encode()) + data(2, data(1, query.encode())) + number(5, limit)
        self.send(REQUEST, self.stream, data(7, call))
        kind, _, payload = self.receive()
        if kind == ERROR:
            raise RuntimeError(message(payload))
        reply = next((value for field, value in fields(payload) if field == 4), b"")
        total = next((value for field, value in fields(reply) if field == 2), 0)
        hits = [dict(fields(value)) for field, value in fields(reply) if field == 1]
        return total, [hit[1].decode() for hit in hits]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("index")
    parser.add_argument("query", nargs="?")
    parser.add_argument("--queries")
    parser.add_argument("--token-file")
    parser.add_argument("--tls-ca")
    options = parser.parse_args()
    if (options.query is None) == (options.queries is None):
        parser.error("either a query or --queries FILE")
    token = open(options.token_file, "rb").read().strip() if options.token_file else b""
    client, index = Client(options.server, token, options.tls_ca), options.index
    if options.query is not None:
        total, keys = client.search(index, options.query)
        return print(total, *keys)
    rows = [line.rstrip("\n").split("\t") for line in open(options.queries, encoding="utf-8") if line.strip()]
    times = {}
    for turn in range(3):
        for kind, query, *_ in rows:
            began = time.perf_counter()
            client.search(index, query)
            if turn:
                times.setdefault(kind, []).append((time.perf_counter() - began) * 1e6)
    for kind, all_times in times.items():
        all_times.sort()
        print(f"{kind:<10} p50 {all_times[len(all_times) // 2]:7.0f} µs   p99 {all_times[len(all_times) * 99 // 100]:7.0f} µs")


if __name__ == "__main__":
    main()
