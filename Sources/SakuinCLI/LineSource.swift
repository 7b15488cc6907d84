// Lines of a file, read a block at a time.

import Foundation
import SakuinClient

/// The lines of a file, of standard input, or of what gzip, xz, lz4 or zstd unpacks, read a block at a time.
final class LineSource {
    private let handle: FileHandle
    private var child: Process?
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Whether a byte order mark may stand where the input begins.
    private var mayBeginWithMark = true
    /// Bytes of the file, when it is one that is read as it is.
    let byteCount: Int?
    private(set) var bytesRead = 0
    private let path: String

    private static let blockByteCount = 1 << 20
    static let lineByteCountMax = 64 << 20

    init(_ path: String) throws {
        self.path = path
        if path == "-" {
            handle = .standardInput
            byteCount = nil
            return
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            FileManager.default.isReadableFile(atPath: path)
        else { throw SakuinError(.notFound, "\(path) cannot be read.", field: "file", value: path) }
        guard !isFolder.boolValue else {
            throw SakuinError.invalid(
                "\(path) is a folder.", field: "file", value: path, nextStep: "Give a file, or - for standard input.")
        }
        let tool = [".gz": "gzip", ".xz": "xz", ".lz4": "lz4", ".zst": "zstd"].first { path.hasSuffix($0.key) }?.value
        guard let tool else {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw SakuinError(.notFound, "\(path) cannot be read.", field: "file", value: path)
            }
            handle = file
            byteCount = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
            return
        }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        guard let program = folders.map({ "\($0)/\(tool)" }).first(where: FileManager.default.isExecutableFile) else {
            throw SakuinError(
                .failedPrecondition, "\(path) needs the program \(tool), which is not there.", field: "file",
                value: path,
                nextStep: "Install \(tool), or unpack the file first.")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["-dc", path]
        let pipe = Pipe()
        process.standardOutput = pipe
        do {
            try process.run()
        } catch {
            throw SakuinError(
                .failedPrecondition, "\(tool) cannot be started.", field: "file", value: path,
                nextStep: "Install \(tool), or unpack the file first.")
        }
        child = process
        handle = pipe.fileHandleForReading
        byteCount = nil
    }

    enum Line {
        /// Without its end.
        case text(ArraySlice<UInt8>)
        case tooLong(byteCount: Int)
    }

    /// The next line; nil behind the last. Of one longer than `byteCountMax` no more is held than that and a block.
    func nextLine(byteCountMax: Int) throws -> Line? {
        /// Bytes of the line that are held no more.
        var skipped = 0
        while true {
            if let end = newline(from: start) ?? (isAtEnd && start < buffer.count ? buffer.count : nil) {
                defer { start = min(end + 1, buffer.count) }
                let byteCount = skipped + end - start
                return byteCount > byteCountMax ? .tooLong(byteCount: byteCount) : .text(buffer[start..<end])
            }
            if isAtEnd { return skipped > 0 ? .tooLong(byteCount: skipped) : nil }
            if skipped > 0 || buffer.count - start > byteCountMax {
                skipped += buffer.count - start
                start = buffer.count
            }
            try readBlock()
        }
    }

    /// The next line without its end; nil behind the last. Throws for one of more than 64 MiB.
    func next() throws -> ArraySlice<UInt8>? {
        switch try nextLine(byteCountMax: Self.lineByteCountMax) {
        case .text(let line)?: return line
        case .tooLong(let byteCount)?:
            throw SakuinError.invalid(
                "A line has more than \(Self.lineByteCountMax) bytes.", field: "file", limit: Self.lineByteCountMax,
                value: byteCount)
        case nil: return nil
        }
    }

    private func newline(from: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard from < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + from, 10, bytes.count - from)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private func readBlock() throws {
        buffer.removeFirst(start)
        start = 0
        let block: Data
        do {
            block = try handle.read(upToCount: Self.blockByteCount) ?? Data()
        } catch {
            throw SakuinError(
                .unavailable, "\(path) cannot be read on: \(error.localizedDescription)", field: "file", value: path)
        }
        if block.isEmpty {
            isAtEnd = true
            child?.waitUntilExit()
            if let child, child.terminationStatus != 0 {
                throw SakuinError(
                    .dataLoss, "\(path) could not be unpacked to its end.", field: "file",
                    value: "exit code \(child.terminationStatus)")
            }
        }
        bytesRead += block.count
        buffer.append(contentsOf: block)
        if mayBeginWithMark { skipMark() }
    }

    /// A pipe may bring the mark a byte at a time.
    private func skipMark() {
        let mark = ByteOrderMark.bytes
        if buffer.starts(with: mark) { start = mark.count }
        mayBeginWithMark = buffer.count < mark.count && mark.starts(with: buffer)
    }
}
