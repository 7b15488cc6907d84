// wire decode: what bytes of the protocol say, without a server.

import ArgumentParser
import Foundation
import SakuinClient
import SakuinProtocol

struct WireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire", abstract: "Read the protocol.", subcommands: [Decode.self])

    struct Decode: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the frames of a file: header and message of each as JSON.",
            discussion: """
                The file holds what one side sent, from the beginning of a frame on: the bytes as they are, or in hex, with
                blanks and line breaks wherever you like. Bytes of JSON and text are shown as text, tokens are not shown.
                Exit code 1: there is something that is no frame, or a message that a server or client refuses.
                """)
        @OptionGroup var options: ServerOptions
        @Option(
            help: """
                What DATA frames hold: batch, receipt or page. Default: batches of an import and pages of an export whose \
                REQUEST is there.
                """)
        var data: String?
        @Flag(help: "Take no compressed frames, as where no compression was agreed on.") var plain = false
        @Argument(help: "The file, or - for standard input.") var file = "-"

        func run() throws {
            let output = Output(json: options.json)
            do {
                if try !decode(output) { throw ExitCode(1) }
            } catch let error as SakuinError {
                output.fail(error)
                throw ExitCode(2)
            }
        }

        /// Whether all were frames that are taken.
        private func decode(_ output: Output) throws -> Bool {
            let message = data.flatMap(FrameListing.DataMessage.init)
            if let data, message == nil {
                throw SakuinError.invalid("--data is batch, receipt or page.", field: "data", value: data)
            }
            guard let handle = file == "-" ? .standardInput : FileHandle(forReadingAtPath: file) else {
                throw SakuinError(.notFound, "\(file) cannot be read.", field: "file", value: file)
            }
            var listing = FrameListing(
                FrameLimits(lengthMax: FrameHeader.payloadByteCountMax, compression: plain ? nil : .lz4), data: message)
            var hex: HexDigits?
            var isFirst = true
            var isTaken = true
            while let block = try handle.read(upToCount: 1 << 20), !block.isEmpty {
                var bytes = [UInt8](block)
                if isFirst, HexDigits.isText(bytes) { hex = HexDigits() }
                isFirst = false
                if hex != nil { bytes = try hex?.bytes(of: bytes) ?? [] }
                do throws(WireError) {
                    try listing.read(bytes) { frame, isRefused in
                        Self.show(frame, output)
                        if isRefused { isTaken = false }
                    }
                } catch {
                    Self.show(error.sakuinError, at: listing.offset, output)
                    return false
                }
            }
            try hex?.end()
            guard listing.pendingByteCount == 0 else {
                let error = SakuinError.invalid(
                    "The frame is cut short.", field: "length", value: listing.pendingByteCount)
                Self.show(error, at: listing.offset, output)
                return false
            }
            return isTaken
        }

        /// One line a frame for programs; for people the header on a line of its own.
        private static func show(_ frame: JSONValue, _ output: Output) {
            if output.json { return output.line(frame.text) }
            func text(_ key: String) -> String? {
                guard let value = frame[key] else { return nil }
                if case .string(let text) = value { return text }
                return value.text
            }
            let (offset, kind) = (text("offset") ?? "", text("type") ?? "")
            var line = "\(offset)  \(kind), stream \(text("stream") ?? ""), \(text("length") ?? "") bytes"
            if let content = text("contentLength") { line += ", compressed of \(content)" }
            if text("end") != nil { line += ", END" }
            output.line(line)
            for key in ["message", "payload", "credit"] {
                if let text = text(key) { output.line("    \(key == "message" ? "" : key + ": ")\(text)") }
            }
            if let refusal = text("refused") { output.line("    refused: \(refusal)") }
        }

        /// Why no frame begins at `offset`.
        private static func show(_ error: SakuinError, at offset: Int, _ output: Output) {
            if output.json {
                output.object([("offset", .integer(Int64(offset))), ("error", Output.value(error))])
            } else {
                output.warn("At byte \(offset) there is no frame. \(error)")
            }
        }
    }
}

/// Bytes written in hex.
struct HexDigits {
    private var high: UInt8?
    private var place = 0

    /// Whether all of this can be hex, which the beginning of a frame cannot: its magic has an `S`.
    static func isText(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { isBlank($0) || digit($0) != nil } }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Throws `invalidArgument` for what is neither digit nor blank.
    mutating func bytes(of text: [UInt8]) throws(SakuinError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for byte in text {
            defer { place += 1 }
            if Self.isBlank(byte) { continue }
            guard let digit = Self.digit(byte) else {
                throw .invalid("The file began as hex; this is no digit.", field: "file", value: "character \(place)")
            }
            if let high {
                bytes.append(high << 4 | digit)
                self.high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    /// Throws `invalidArgument` when half a byte is left.
    func end() throws(SakuinError) {
        if high != nil {
            throw .invalid("The hex digits end in the middle of a byte.", field: "file", value: "character \(place)")
        }
    }
}
