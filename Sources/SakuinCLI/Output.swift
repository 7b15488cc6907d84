// What the commands print.

import Foundation
import SakuinClient

/// Sentences for people, JSON for programs.
struct Output: Sendable {
    let json: Bool

    func line(_ text: String) { Self.write(Array((text + "\n").utf8), to: STDOUT_FILENO) }

    func object(_ members: [(String, JSONValue)]) {
        line(JSONValue.object(members.map { .init(key: $0.0, value: $0.1) }).text)
    }

    func warn(_ text: String) { Self.write(Array((text + "\n").utf8), to: STDERR_FILENO) }

    /// Says on standard error that an index could not be read as a whole; standard output stays what was asked for.
    func warn(missing: [String]) {
        if missing.isEmpty { return }
        if json {
            let members: [(String, JSONValue)] = [
                ("complete", .boolean(false)), ("missing", .array(missing.map { .string($0) })),
            ]
            return warn(JSONValue.object(members.map { .init(key: $0.0, value: $0.1) }).text)
        }
        warn("not complete:")
        for sentence in missing { warn("  " + sentence) }
    }

    /// Says on standard error that a token goes to a server that is not in this machine, and not by TLS.
    func warn(exposed server: ServerAddress) {
        if json {
            return warn(JSONValue.object([.init(key: "exposed", value: .string("\(server)"))]).text)
        }
        warn("everybody on the way to \(server) can read the token; --tls protects it")
    }

    /// Says on standard error that no text can be found, since no document has any in the text fields of the index.
    func warn(withoutText fields: [String]) {
        if fields.isEmpty { return }
        if json {
            return warn(JSONValue.object([.init(key: "withoutText", value: .array(fields.map { .string($0) }))]).text)
        }
        warn(
            "No text can be searched: no document of the index has any in \(fields.joined(separator: ", ")). "
                + "'sakuin index create --schema FILE' says which fields are text.")
    }

    /// Says on standard error which fields are not in an export since the index does not store them.
    func warn(unstored: [String]) {
        if unstored.isEmpty { return }
        if json {
            return warn(JSONValue.object([.init(key: "unstored", value: .array(unstored.map { .string($0) }))]).text)
        }
        warn("not stored, so not exported: \(unstored.joined(separator: ", "))")
    }

    /// Writes all of it. Ends the process when that cannot be done: without a word when the reader is gone (`| head`), else
    /// saying why on standard error.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: buffer[at...]).baseAddress, buffer.count - at)
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { end(unwritten: descriptor, errno) }
            at += count
        }
    }

    private static func end(unwritten descriptor: Int32, _ code: Int32) -> Never {
        guard code != EPIPE, descriptor != STDERR_FILENO else { exit(1) }
        let reason = String(cString: strerror(code))
        write(
            Array("sakuin: \(SakuinError(.unavailable, "Standard output cannot be written: \(reason)."))\n".utf8),
            to: STDERR_FILENO)
        exit(2)
    }

    func fail(_ error: SakuinError) {
        if json {
            object([("error", Self.value(error))])
        } else {
            warn("sakuin: \(error)")
        }
    }

    static func value(_ error: SakuinError) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(key: "code", value: .string(error.code.description)),
            .init(key: "message", value: .string(error.message)),
        ]
        for (name, text) in [
            ("field", error.field), ("limit", error.limit), ("value", error.value), ("nextStep", error.nextStep),
        ] {
            if let text { members.append(.init(key: name, value: .string(text))) }
        }
        if let retry = error.retryAfterMilliseconds {
            members.append(.init(key: "retryAfterMilliseconds", value: .integer(Int64(retry))))
        }
        return .object(members)
    }

    static func value(_ field: FieldValue) -> JSONValue {
        switch field {
        case .null: .null
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        case .string(let text): .string(text)
        case .json(let text): (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
        }
    }

    static func value(_ document: Document) -> JSONValue {
        .object(document.fields.map { .init(key: $0.name, value: value($0.value)) })
    }

    /// `1.5 MB`
    static func size(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(bytes) B" : String(format: "%.1f %@", value, unit) }
            value /= 1000
        }
        return String(format: "%.1f TB", value)
    }

    /// A text of the documents without its line breaks.
    static func singleLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
