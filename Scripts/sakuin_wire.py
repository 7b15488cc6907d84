"""A small client of Sakuin's protocol for scripts: frames and protobuf by hand, standard library only."""
import json
import socket
import struct

HELLO, WELCOME, REQUEST, REPLY, ERROR = 1, 2, 3, 4, 5
LEVELS = {"disk": 0, "log": 1, "memory": 2}
NOT_FOUND, RESOURCE_EXHAUSTED = 5, 8


class CallFailed(Exception):
    def __init__(self, code, message):
        super().__init__(f"code {code}: {message}")
        self.code = code


def read_queries(path, column):
    """The texts of a column of a file with tabs, from 1 on as `sakuin search --column` counts; a kind in place of the query
    would be found nowhere and measure nothing."""
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    texts = [row[column - 1] for row in rows if len(row) >= column]
    if len(texts) < len(rows) or len(set(texts)) * 2 < len(texts):
        raise SystemExit(f"{path}: column {column} has {len(set(texts))} texts in {len(rows)} lines; --column?")
    return texts


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def block(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def decode(data):
    """Field number to the list of its values: integers, or bytes."""
    found, at = {}, 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = read()
        if tag & 7 == 0:
            value = read()
        else:
            length = {2: read, 5: lambda: 4, 1: lambda: 8}[tag & 7]()
            value = data[at:at + length]
            at += length
        found.setdefault(tag >> 3, []).append(value)
    return found


def first(message, field, default=0):
    return message.get(field, [default])[0]


class Connection:
    """One call at a time."""

    def __init__(self, host, port, timeout=60):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = 0
        hello = number(1, 1) + number(2, 1) + block(3, "soak/1") + number(4, 1 << 24) + number(5, 1 << 20)
        self.send(HELLO, 0, hello)
        kind, _, payload = self.receive()
        if kind != WELCOME:
            raise CallFailed(first(decode(payload), 1), "no welcome")

    def close(self):
        self.socket.close()

    def send(self, kind, stream, payload):
        self.socket.sendall(struct.pack("<IBBHI", len(payload), kind, 0, 0x4B53, stream) + payload)

    def exactly(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the server has gone")
            data += part
        return bytes(data)

    def receive(self):
        length, kind, _, _, stream = struct.unpack("<IBBHI", self.exactly(12))
        return kind, stream, self.exactly(length)

    def call(self, field, message):
        """The fields of the reply; raises CallFailed."""
        self.stream += 1
        self.send(REQUEST, self.stream, block(field, message))
        while True:
            kind, stream, payload = self.receive()
            if kind == ERROR and stream in (0, self.stream):
                status = decode(payload)
                raise CallFailed(first(status, 1), first(status, 2, b"").decode())
            if kind == REPLY and stream == self.stream:
                return decode(payload)

    def create(self, name):
        self.call(2, block(1, name))

    def write(self, index, puts, deletes, level, key):
        """Puts: key to fields. Returns whether the batch was applied before."""
        operations = b"".join(
            block(3, block(1, block(1, k) + block(2, json.dumps(fields, ensure_ascii=False))))
            for k, fields in puts.items())
        operations += b"".join(block(3, block(2, k)) for k in deletes)
        reply = self.call(6, block(1, index) + block(2, operations + block(4, key)) + number(3, LEVELS[level]))
        receipt = decode(reply[3][0])
        return bool(first(receipt, 5))

    def search(self, index, text, limit):
        """Keys, total, whether the answer is complete."""
        query = block(1, text)
        reply = decode(self.call(7, block(1, index) + block(2, query) + number(5, limit))[4][0])
        keys = [first(decode(hit), 1, b"").decode() for hit in reply.get(1, [])]
        return keys, first(reply, 2), bool(first(reply, 4))

    def get(self, index, keys):
        """Fields of each document, None where there is none."""
        reply = decode(self.call(8, block(1, index) + b"".join(block(2, k) for k in keys))[5][0])
        found = [decode(document) for document in reply.get(1, [])]
        return [json.loads(first(d, 3, b"{}")) if first(d, 1) else None for d in found]

    def refresh(self, index):
        self.call(9, block(1, index))

    def commit(self, index):
        self.call(10, block(1, index))

    def statistics(self, index):
        return decode(self.call(11, block(1, index))[7][0])

    def compact(self, index, segments):
        self.call(13, block(1, index) + number(2, segments))

    def start_compaction(self, index, segments, bytes_per_second=0):
        """The number of the job."""
        options = number(1, segments) + number(3, bytes_per_second)
        return first(decode(self.call(30, block(1, index) + block(2, options))[30][0]), 2)

    def throttle(self, index, job, bytes_per_second):
        self.call(33, block(1, index) + number(2, job) + number(3, 4) + number(4, bytes_per_second))

    def cancel(self, index, job):
        self.call(33, block(1, index) + number(2, job) + number(3, 3))

    def jobs(self, index):
        """The numbers of the jobs that are known, with their numbers in JobState."""
        jobs = [decode(j) for j in decode(self.call(32, block(1, index))[31][0]).get(1, [])]
        return {first(j, 2): first(j, 3) for j in jobs}

    def job_state(self, index, job):
        """Its number in JobState, None when it is not known."""
        return self.jobs(index).get(job)
