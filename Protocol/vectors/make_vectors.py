#!/usr/bin/env python3
"""Makes the vectors beside it, with protoc and without any code of Sakuin. Run it after a change of the protocol."""
import pathlib, struct, subprocess

HERE = pathlib.Path(__file__).parent
KINDS = {"HELLO": 1, "WELCOME": 2, "REQUEST": 3, "REPLY": 4, "ERROR": 5, "DATA": 6, "CREDIT": 7, "CANCEL": 8,
         "PING": 9, "PONG": 10, "GOAWAY": 11}
END, COMPRESSED = 1, 2


def message(name, text):
    """The bytes of a message given in protobuf's text format."""
    return subprocess.run(
        ["protoc", f"--encode=sakuin.v1.{name}", "-I", str(HERE.parent / "sakuin/v1"), "sakuin.proto"],
        input=text.encode(), capture_output=True, check=True).stdout


def frame(kind, stream, payload=b"", flags=0, magic=0x4B53, length=None):
    kind = KINDS.get(kind, kind)
    return struct.pack("<IBBHI", len(payload) if length is None else length, kind, flags, magic, stream) + payload


def lz4(data):
    """An LZ4 block, as good as the first match found makes it."""
    def more(length):
        return b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])

    def sequence(literals, offset=0, match=4):
        token = bytes([min(len(literals), 15) << 4 | min(match - 4, 15)])
        return token + more(len(literals)) + literals + (struct.pack("<H", offset) + more(match - 4) if offset else b"")

    out, at, done, seen = b"", 0, 0, {}
    # The last match begins 12 bytes before the end or earlier, the last 5 bytes are literals.
    while at <= len(data) - 12:
        before = seen.get(data[at:at + 4])
        seen[data[at:at + 4]] = at
        if before is None or at - before > 65535:
            at += 1
            continue
        end = at + 4
        while end < len(data) - 5 and data[end] == data[before + end - at]:
            end += 1
        out += sequence(data[done:at], at - before, end - at)
        at = done = end
    return out + sequence(data[done:])


def packed(content, length=None, block=None):
    """A compressed payload."""
    return struct.pack("<I", len(content) if length is None else length) + (lz4(content) if block is None else block)


def lines(data):
    return [data[i:i + 32].hex(" ") for i in range(0, len(data), 32)] or [""]


def write(folder, name, meaning, verdict, frames, plain=(), **more):
    out = [f"meaning: {meaning}", f"verdict: {verdict}"]
    out += [f"{key}: {value}" for key, value in more.items()]
    for title, data in [("frame:", data) for data in frames] + [("plain:", data) for data in plain]:
        out += [title] + lines(data[:12]) + (lines(data[12:]) if len(data) > 12 else [])
    (HERE / folder / f"{name}.txt").write_text("\n".join(out) + "\n")


def accept(name, meaning, *frames, **more):
    write("accept", name, meaning, "accept", frames, **more)


def reject(name, meaning, verdict, *frames, **more):
    write("reject", name, meaning, verdict, frames, **more)


HELLO = frame("HELLO", 0, message(
    "Hello", 'version_min: 1 version_max: 1 client: "example/1" frame_byte_count_max: 1048576 stream_credit: 65536'))
SEARCH = message("Request", '''deadline_milliseconds: 1500 search { index: "news" query { text: "5G网络" }
    limit: 10 wait_limit_milliseconds: 10000 }''')
ERROR = message("Status", '''code: 5 message: "There is no index 'news'." field: "name" value: "news"
    next_step: "Create it."''')
REPLY = message("Reply", "documents { " + " ".join(
    f'documents {{ found: true key: "{n}" json: "{{\\"title\\":\\"5G网络\\"}}" }}' for n in range(9)) + " }")
BUSY = message("Status", 'code: 8 message: "The server is busy." limit: "4096" retry_after_milliseconds: 20')

accept("hello", "The first frame of a client.", HELLO)
accept("hello-token", "The first frame of a client that shows a token.", frame("HELLO", 0, message(
    "Hello", '''version_min: 1 version_max: 1 client: "example/1" frame_byte_count_max: 1048576 stream_credit: 65536
    token: "sakuin_0123456789abcdefghijklmnopqrstuv" ''')))
accept("error-unauthenticated", "The token is none that the server knows; the connection ends.", frame(
    "ERROR", 0, message("Status", '''code: 16 message: "The server asks for a token that it knows." field: "token"
    next_step: "Name the file with your token; with sakuin: --token-file FILE." ''')))
accept("error-denied", "A call that the role of the token does not allow; its stream ends.", frame(
    "ERROR", 3, message("Status", '''code: 7 message: "'drop_index' needs the role admin." field: "token"
    limit: "admin" value: "reader" next_step: "Use a token with that role." ''')))
accept("error-tls", "What a server that speaks TLS says to plain frames.", frame("ERROR", 0, message("Status", '''code: 9
    message: "This server speaks TLS alone." field: "tls"
    next_step: "Connect with TLS; with sakuin: --tls, or --tls-ca FILE." ''')))
accept("welcome", "The server's answer: it knows facets, variants and deletion by query.", frame("WELCOME", 0, message(
    "Welcome", '''version: 1 server: "sakuind/0.1.0" frame_byte_count_max: 33554432 stream_credit: 16777216
    stream_count_max: 1024 features: FEATURE_FACETS features: FEATURE_VARIANTS features: FEATURE_DELETE_MATCHING''')))
accept("welcome-old", "The answer of a server from before features: it gets no search that has facets or variants, nor a deletion by query.", frame(
    "WELCOME", 0, message("Welcome", '''version: 1 server: "sakuind/0.1.0" frame_byte_count_max: 33554432
    stream_credit: 16777216 stream_count_max: 1024''')))
accept("welcome-new", "The answer of a server that knows more than version 1 does today: what is not known is passed over.",
       frame("WELCOME", 0, message("Welcome", '''version: 1 server: "sakuind/9.0.0" frame_byte_count_max: 33554432
    stream_credit: 16777216 stream_count_max: 1024 features: FEATURE_VARIANTS features: 300 features: FEATURE_FACETS''')))
accept("hello-compression", "A client that compresses by LZ4, and by something that version 1 does not know.", frame(
    "HELLO", 0, message("Hello", '''version_min: 1 version_max: 1 client: "example/1" frame_byte_count_max: 1048576
    stream_credit: 65536 compressions: 9 compressions: COMPRESSION_LZ4''')))
accept("welcome-compression", "From here on both sides may compress by LZ4.", frame("WELCOME", 0, message(
    "Welcome", '''version: 1 server: "sakuind/0.1.0" frame_byte_count_max: 33554432 stream_credit: 16777216
    stream_count_max: 1024 compression: COMPRESSION_LZ4 features: FEATURE_FACETS features: FEATURE_VARIANTS''')))
accept("search", "A search for the text 5G网络 on stream 1, ten hits, within 1.5 seconds.", frame("REQUEST", 1, SEARCH))
accept("search-tree", "A query tree: (行业 OR prefix 股) AND NOT date in [2023-01-01, 2024-01-01), sorted by date.",
       frame("REQUEST", 3, message("Request", '''search { index: "news" query { tree { and { queries { or {
       queries { text { text: "行业" } } queries { prefix { text: "股" fields: "title" } } } }
       queries { not { range { field: "date" lower { value: "2023-01-01" inclusive: true }
       upper { value: "2024-01-01" } } } } } } } total: TOTAL_POLICY_AT_LEAST total_limit: 1000
       sort { field: "date" descending: true } return_fields: FIELD_SELECTION_NAMED returned_names: "title"
       spans: true min_sequence: 7 }''')))
accept("search-reply", "Two hits of three; the first with a returned field and a span.", frame("REPLY", 1, message(
    "Reply", '''search { hits { key: "1" score: 1.5 json: "{\\"title\\":\\"5G网络\\"}"
    spans { field: "title" offsets: 0 offsets: 8 } } hits { key: "2" score: 0.25 } total: 3 total_is_exact: true
    complete: true sequence: 9 took_microseconds: 120 }''')))
accept("search-facets", "Count the five most frequent values of author, and documents by ranges of year, beside no hits.", frame(
    "REQUEST", 5, message("Request", '''search { index: "news" query { text: "5G网络" }
    facets { field: "author" limit: 5 } facets { field: "year" ranges { name: "before" upper: "2000" }
    ranges { name: "since" lower: "2000" } } }''')))
accept("search-variants", "A search for the text 発展 in all its forms, of Han characters and of kana.", frame(
    "REQUEST", 7, message("Request", '''search { index: "news" query { text: "発展" } limit: 10 variants: 3 }''')))
accept("search-facets-reply", "Facets of each type of value, and of ranges.", frame("REPLY", 5, message(
    "Reply", '''search { total: 9 total_is_exact: true complete: true sequence: 9 took_microseconds: 80
    facets { field: "author" values { count: 4 keyword: "佚名" } values { count: 2 keyword: "Anon" } distinct: 4 other: 2
    missing: 1 } facets { field: "year" ranges { name: "before" count: 3 } ranges { name: "since" count: 5 } missing: 1 }
    facets { field: "n" values { count: 2 integer: -7 } values { count: 2 float: 0.5 } values { count: 1 boolean: false }
    values { count: 1 date_milliseconds: 1699488000000 } distinct: 4 missing: 3 } }''')))
accept("get-incomplete", "Of two keys one is found; a segment cannot be read, the other may be in it.", frame(
    "REPLY", 4, message("Reply", '''documents { documents { found: true key: "1" json: "{\\"title\\":\\"5G网络\\"}" }
    documents { } missing: "Segment segment-0000000000000002.seg is not searched: it is damaged." }''')))
accept("start-check", "Check the index news while it is open, reading at most 20 MB a second.", frame("REQUEST", 17, message(
    "Request", 'start_check { index: "news" bytes_per_second: 20000000 }')))
accept("done", "A reply to a call that returns nothing.", frame("REPLY", 2))
accept("error", "A call failed: NOT_FOUND with its particulars.", frame("ERROR", 1, ERROR))
accept("error-connection", "The connection ends: the reason stands on stream 0.", frame("ERROR", 0, BUSY))
accept("get-moment", "A document once sequence 9 can be seen, waiting two seconds; another of a point in time.", frame(
    "REQUEST", 21, message("Request", '''get { index: "news" keys: "1" min_sequence: 9
    wait_limit_milliseconds: 2000 }''')), frame("REQUEST", 23, message("Request", '''get { index: "news" keys: "2"
    point_in_time: "00112233445566778899aabbccddeeff" }''')))
accept("open-point-in-time-behind", "A point in time with sequence 9 in it.", frame("REQUEST", 25, message(
    "Request", '''open_point_in_time { index: "news" lease_milliseconds: 60000 min_sequence: 9
    wait_limit_milliseconds: 2000 }''')))
accept("open-point-in-time", "Keep what can be seen now for a minute behind each use.", frame("REQUEST", 13, message(
    "Request", 'open_point_in_time { index: "news" lease_milliseconds: 60000 }')))
accept("point-in-time", "Its token, and a search of it.", frame("REPLY", 13, message(
    "Reply", '''point_in_time { token: "00112233445566778899aabbccddeeff" sequence: 9 lease_milliseconds: 60000 }''')),
    frame("REQUEST", 15, message("Request", '''search { index: "news" query { text: "5G网络" } limit: 10 offset: 10
    wait_limit_milliseconds: 10000 point_in_time: "00112233445566778899aabbccddeeff" }''')))
accept("restore-snapshot", "Make an index news-old of a snapshot of news.", frame("REQUEST", 9, message(
    "Request", 'restore_snapshot { index: "news" name: "20261124-153000" new_name: "news-old" }')))
accept("snapshot-list", "Two snapshots, of the second of which a file is missing.", frame("REPLY", 11, message(
    "Reply", '''snapshot_list { snapshots { index: "news" name: "20261124-153000" created: "2026-11-24T15:30:00Z"
    version: "0.1.0" documents: 3 bytes: 4096 own_bytes: 512 sequence: 9 generation: 4 }
    snapshots { index: "news" name: "old" problem: "segment-0000000000000001.seg is damaged" } }''')))
accept("start-compaction", "Compact to two segments with at most a megabyte a second.", frame("REQUEST", 17, message(
    "Request", 'start_compaction { index: "news" options { segments: 2 bytes_per_second: 1000000 } }')))
accept("job-list", "Merging in the background, and a compaction half done.", frame("REPLY", 19, message(
    "Reply", '''jobs { jobs { index: "news" options { } message: "Nothing to merge." }
    jobs { index: "news" number: 3 state: JOB_STATE_RUNNING options { segments: 1 } bytes_read: 512 bytes_total: 1024
    bytes_written: 400 segments_before: 9 bytes_before: 1024 dead_bytes_before: 64 milliseconds: 1500
    milliseconds_left: 1500 } }''')))
accept("job-check", "A check that has ended and found damage.", frame("REPLY", 27, message(
    "Reply", '''jobs { jobs { index: "news" number: 4 state: JOB_STATE_DONE options { } bytes_read: 2048 bytes_total: 2048
    milliseconds: 40 kind: JOB_KIND_CHECK findings { segments: 2 documents: 3 terms: 9
    problems: "segment-0000000000000002.seg is damaged at byte 512: checksum of block 0 does not match." } } }''')))
accept("control-job", "Pause a compaction, then throttle merging in the background.", frame("REQUEST", 21, message(
    "Request", 'control_job { index: "news" number: 3 action: JOB_ACTION_PAUSE }')), frame("REQUEST", 23, message(
    "Request", 'control_job { index: "news" action: JOB_ACTION_THROTTLE bytes_per_second: 8000000 }')))
accept("create-index", "Create an index with a schema of one field.", frame("REQUEST", 5, message(
    "Request", '''create_index { name: "news" schema: "{\\"fields\\":[{\\"name\\":\\"body\\",\\"type\\":\\"text\\",'''
    '''\\"analyzer\\":\\"cjk\\",\\"breaks\\":\\"soft\\",\\"stored\\":true,\\"boost\\":1.0,\\"k1\\":1.5,\\"b\\":0.75}],'''
    '''\\"dynamic\\":false}" }''')))
accept("write", "A batch of a put with a key of its own and a delete, acknowledged when with the kernel.",
       frame("REQUEST", 7, message("Request", '''write { index: "news" batch {
       operations { put { key: "1" json: "{\\"title\\":\\"索引\\"}" } } operations { delete: "2" } }
       acknowledge: ACKNOWLEDGEMENT_LOG rejection: REJECTION_EACH_OPERATION }''')))
accept("write-keyed", "A batch with an idempotency key, acknowledged when synced.",
       frame("REQUEST", 7, message("Request", '''write { index: "news" batch {
       operations { delete: "2" } idempotency_key: "5f0c-17" } }''')))
accept("write-repeated", "The answer to a batch that was applied before.",
       frame("REPLY", 7, message("Reply", "write { sequence: 12 applied: 1 is_repeat: true }")))
accept("delete-matching", "Delete what has 5G网络 in the title and is of 2023, by any form of its characters; count only.",
       frame("REQUEST", 7, message("Request", '''deadline_milliseconds: 1500 delete_matching { index: "news"
       query { text: "5G网络" } fields: "title" mode: MODE_SMART filter { tree { range { field: "date"
       lower { value: "2023-01-01" inclusive: true } upper { value: "2024-01-01" } } } } variants: 3
       acknowledge: ACKNOWLEDGEMENT_LOG dry_run: true }''')))
accept("delete-matching-all", "Delete every document, which has to be said; acknowledged when synced.",
       frame("REQUEST", 7, message("Request", 'delete_matching { index: "news" query { tree { all { } } } }')))
accept("delete-matching-reply", "Of 12 documents that matched two were put again meanwhile.",
       frame("REPLY", 7, message("Reply", '''deletion { matched: 12 deleted: 10 skipped: 2 sequence: 14
       level: ACKNOWLEDGEMENT_LOG notes: "A prefix stood for 3 words." }''')))
accept("import", "An import: request, a batch, its receipt's credit, and the empty last frame.",
       frame("REQUEST", 9, message("Request", 'import { index: "news" }')),
       frame("DATA", 9, message("WriteBatch", '''key_field: "id" json: "{\\"id\\":1,\\"body\\":\\"一\\"}"
       json: "{\\"id\\":2,\\"body\\":\\"二\\"}"''')),
       frame("CREDIT", 9, struct.pack("<I", 65536)), frame("DATA", 9, flags=END), data="batch")
accept("import-receipt", "The acknowledgement of a batch: one of its two documents was refused.",
       frame("DATA", 9, message("WriteReceipt", '''sequence: 12 level: ACKNOWLEDGEMENT_DISK applied: 1
       rejections { index: 1 error { code: 3 message: "No key." field: "id" } }''')),
       frame("REPLY", 9), data="receipt")
accept("export-page", "A page of an export and the end of the stream.",
       frame("DATA", 11, message("ExportPage", 'documents { found: true key: "1" json: "{\\"title\\":\\"索引\\"}" }')),
       frame("REPLY", 11), data="page")
accept("export-incomplete", "The first page of an export says what will not come.",
       frame("DATA", 11, message("ExportPage", 'missing: "Segment segment-0000000000000002.seg is not searched."')),
       frame("DATA", 11, message("ExportPage", 'documents { found: true key: "1" json: "{}" }')),
       frame("REPLY", 11), data="page")
accept("cancel", "The client gives stream 9 up.", frame("CANCEL", 9))
accept("ping-pong", "A ping and the pong with the same bytes.", frame("PING", 0, b"12345678"),
       frame("PONG", 0, b"12345678"))
accept("goaway", "The server drains.", frame("GOAWAY", 0, message(
    "Status", 'code: 14 message: "The server is shutting down."')))

KEYS = message("Request", 'get { index: "news" ' + " ".join(f'keys: "article-{n:04}"' for n in range(40)) + " }")
LAUGH = message("Request", 'search { index: "news" query { text: "' + "哈" * 300 + '" } }')
BATCH = message("WriteBatch", 'key_field: "id" ' + " ".join(
    f'json: "{{\\"id\\":{n},\\"title\\":\\"索引\\",\\"body\\":\\"全文検索\\"}}"' for n in range(9)))
accept("compressed-request", "A request compressed by LZ4, and one with a long match that overlaps itself.",
       frame("REQUEST", 1, packed(KEYS), flags=COMPRESSED), frame("REQUEST", 3, packed(LAUGH), flags=COMPRESSED),
       plain=[frame("REQUEST", 1, KEYS), frame("REQUEST", 3, LAUGH)], compression="lz4")
accept("compressed-reply", "A frame may be compressed or not, as its sender likes.",
       frame("REPLY", 1, REPLY), frame("REPLY", 3, packed(REPLY), flags=COMPRESSED), plain=[frame("REPLY", 3, REPLY)],
       compression="lz4")
accept("compressed-import", "The last batch of an import, compressed.",
       frame("DATA", 9, packed(BATCH), flags=END | COMPRESSED), plain=[frame("DATA", 9, BATCH, flags=END)],
       compression="lz4", data="batch")

reject("not-sakuin", "An HTTP request.", "badMagic", b"GET / HTTP/1.1\r\n")
reject("magic", "A wrong byte in the magic.", "badMagic", frame("PING", 0, magic=0x4B52))
reject("type-zero", "Type 0 is none.", "unknownType", frame(0, 0))
reject("type-unknown", "Type 12 is none of version 1.", "unknownType", frame(12, 0))
reject("flag-unknown", "Flag 4 is none of version 1.", "unknownFlags", frame("DATA", 1, flags=4), compression="lz4")
reject("flag-compressed", "COMPRESSED before the handshake said so.", "unknownFlags",
       frame("REQUEST", 1, packed(KEYS), flags=COMPRESSED))
reject("flag-compressed-ping", "COMPRESSED stands on REQUEST, REPLY and DATA only.", "unknownFlags",
       frame("PING", 0, packed(bytes(20)), flags=COMPRESSED), compression="lz4")
reject("flag-compressed-error", "COMPRESSED stands on REQUEST, REPLY and DATA only.", "unknownFlags",
       frame("ERROR", 1, packed(ERROR), flags=COMPRESSED), compression="lz4")
reject("compressed-empty", "A compressed frame without a payload.", "badCompression",
       frame("DATA", 1, flags=COMPRESSED), compression="lz4")
reject("compressed-no-block", "A length without a block.", "badCompression",
       frame("DATA", 1, packed(KEYS, block=b""), flags=COMPRESSED), compression="lz4")
reject("compressed-zero", "Nothing, compressed.", "badCompression",
       frame("DATA", 1, packed(b"", block=b"\0"), flags=COMPRESSED), compression="lz4")
reject("compressed-not-shorter", "A payload that is as long as what it decompresses to.", "badCompression",
       frame("REQUEST", 1, packed(b"", length=12, block=b"\x70literal"), flags=COMPRESSED), compression="lz4")
reject("compressed-ratio", "A block of 4 bytes that says it makes 1,021: 255 each is the most that LZ4 can.", "badCompression",
       frame("REQUEST", 1, packed(b"", length=1021, block=b"\x1fa\1\0"), flags=COMPRESSED), compression="lz4")
reject("compressed-too-long", "A short payload that says it makes a byte more than the reader's limit of 1 MiB.", "tooLong",
       frame("REQUEST", 1, packed(KEYS, length=(1 << 20) + 1), flags=COMPRESSED), compression="lz4")
reject("compressed-huge", "A short payload that says it makes 4 GiB.", "tooLong",
       frame("REQUEST", 1, packed(KEYS, length=0xFFFFFFFF), flags=COMPRESSED), compression="lz4")
reject("flag-end-on-request", "END stands on DATA frames only.", "unknownFlags", frame("REQUEST", 1, SEARCH, flags=END))
reject("too-long", "A header alone that announces one byte more than the reader's limit, which the test sets to 1 MiB.",
       "tooLong", frame("REQUEST", 1, length=(1 << 20) + 1))
reject("huge", "A header alone that announces 4 GiB.", "tooLong", frame("REQUEST", 1, length=0xFFFFFFFF))
reject("hello-on-stream", "HELLO belongs on stream 0.", "wrongStream", frame("HELLO", 1, HELLO[12:]))
reject("request-on-zero", "A request needs a stream.", "wrongStream", frame("REQUEST", 0, SEARCH))
reject("data-on-zero", "DATA needs a stream.", "wrongStream", frame("DATA", 0, b"\x00"))
reject("second-frame", "A good frame, then a bad one: the first is delivered.", "badMagic", frame("PING", 0, b"1"),
       frame("PING", 0, magic=0), delivered=1)
reject("payload-cut", "A request whose message is cut short: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, SEARCH[:-3]))
reject("payload-no-call", "A request without a call: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", "deadline_milliseconds: 5")))
reject("payload-no-query", "A search without a query: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", 'search { index: "news" limit: 1 }')))
reject("payload-delete-no-query", "A deletion without a query: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", 'delete_matching { index: "news" dry_run: true }')))
reject("payload-delete-choice", "A deletion with an acknowledgement that nobody knows: the stream gets INVALID_ARGUMENT.",
       "payload", frame("REQUEST", 1, message("Request", '''delete_matching { index: "news" query { text: "一" }
       acknowledge: 9 }''')))
reject("payload-utf8", "Query text that is no UTF-8: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", 'search { index: "news" query { text: "\\377\\376" } }')))
reject("payload-token-utf8", "A token that is no UTF-8: the message is refused, which costs the connection.", "payload",
       frame("HELLO", 0, HELLO[12:] + b"\x32\x02\xff\xfe"))
reject("payload-facet-value", "A reply with a count of a facet that says of no value: a client refuses it.", "payload",
       frame("REPLY", 5, message("Reply", 'search { facets { field: "author" values { count: 4 } } }')))
reject("payload-variants", "A search with variants that nobody knows: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", 'search { index: "news" query { text: "発展" } variants: 4 }')))
deep = 'text { text: "深" }'
for _ in range(64):
    deep = f"not {{ {deep} }}"
reject("payload-deep", "A query tree 65 nodes deep: the stream gets INVALID_ARGUMENT.", "payload",
       frame("REQUEST", 1, message("Request", f'search {{ index: "news" query {{ tree {{ {deep} }} }} }}')))
for name, meaning, payload in [
    ("short", "A block that makes a byte less than it says", packed(KEYS, length=len(KEYS) + 1)),
    ("long", "A block that makes a byte more than it says", packed(KEYS, length=len(KEYS) - 1)),
    ("cut", "A block that is cut short", packed(KEYS)[:-3]),
    ("offset", "A block with a match before its beginning", packed(b"", length=100, block=b"\x1fa\2\0\x4c\x50bcdef")),
]:
    reject(f"payload-compressed-{name}", meaning + ": the stream gets INVALID_ARGUMENT.", "payload",
           frame("REQUEST", 1, payload, flags=COMPRESSED), compression="lz4")
