// Lines of a file, read a block at a time.

import Foundation
import SakuinClient

/// The lines of a file, of standard input, or of what gzip, xz, lz4 or zstd unpacks, read a block at a time.
final class LineSource {
    private let handle: FileHandle
    private var child: Process?
    private var buffer: [UInt8] = []
    private var start = 0
    /// Where the line at `start` ends, once that was found.
    private var knownEnd: Int?
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
            if let end = findEnd() ?? (isAtEnd && start < buffer.count ? buffer.count : nil) {
                defer {
                    start = min(end + 1, buffer.count)
                    knownEnd = nil
                }
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

    /// Whether neither a line nor the end comes for a while, as from somebody who writes into a pipe now and then.
    func hasToWait(milliseconds: Int32) -> Bool {
        if isAtEnd || findEnd() != nil { return false }
        var source = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&source, 1, milliseconds) == 0
    }

    private func findEnd() -> Int? {
        if let knownEnd { return knownEnd }
        knownEnd = buffer.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, 10, bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
        return knownEnd
    }

    /// Reads what there is, up to a block; waits while there is nothing.
    private func readBlock() throws {
        buffer.removeFirst(start)
        start = 0
        let before = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: Self.blockByteCount))
        let count = buffer.withUnsafeMutableBytes { bytes in
            var count: Int
            repeat {
                count = read(handle.fileDescriptor, bytes.baseAddress.map { $0 + before }, Self.blockByteCount)
            } while count < 0 && errno == EINTR
            return count
        }
        let problem = count < 0 ? String(cString: strerror(errno)) : ""
        buffer.removeLast(Self.blockByteCount - max(count, 0))
        guard count >= 0 else {
            throw SakuinError(.unavailable, "\(path) cannot be read on: \(problem)", field: "file", value: path)
        }
        if count == 0 { try end() }
        bytesRead += count
        if mayBeginWithMark { skipMark() }
    }

    private func end() throws {
        isAtEnd = true
        child?.waitUntilExit()
        guard let child, child.terminationStatus != 0 else { return }
        throw SakuinError(
            .dataLoss, "\(path) could not be unpacked to its end.", field: "file",
            value: "exit code \(child.terminationStatus)")
    }

    /// A pipe may bring the mark a byte at a time.
    private func skipMark() {
        let mark = ByteOrderMark.bytes
        if buffer.starts(with: mark) { start = mark.count }
        mayBeginWithMark = buffer.count < mark.count && mark.starts(with: buffer)
    }
}
