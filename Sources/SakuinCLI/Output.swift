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

    /// Writes all of it; ends the process when the reader is gone (`| head`), for nothing more can be said.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: buffer[at...]).baseAddress, buffer.count - at)
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { exit(1) }
            at += count
        }
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

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// The columns a text takes on a terminal: wide and full-width characters two (UAX #11), combining marks none.
enum DisplayWidth {
    static func of(_ text: some StringProtocol) -> Int { text.unicodeScalars.reduce(0) { $0 + of($1) } }

    static func of(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The beginning of the text that fits, with "…" when something was cut, padded with blanks.
    static func fit(_ text: String, _ columns: Int) -> String {
        let width = of(text)
        if width <= columns { return text + String(repeating: " ", count: columns - width) }
        var out = ""
        var used = 0
        for character in text {
            let next = of(String(character))
            if used + next > columns - 1 { break }
            out.append(character)
            used += next
        }
        return out + "…" + String(repeating: " ", count: max(0, columns - used - 1))
    }
}
