// The entry of libFuzzer: `SAKUIN_FUZZ_TARGET` names what is fuzzed, `SAKUIN_FUZZ_SEEDS` a folder to write its seeds to.
// Without a name it writes the names.

import Foundation

private let target: FuzzTarget = {
    let names = FuzzTarget.all.map(\.name).joined(separator: " ")
    guard let name = ProcessInfo.processInfo.environment["SAKUIN_FUZZ_TARGET"] else {
        print(names)
        exit(0)
    }
    guard let target = FuzzTarget.named(name) else {
        FileHandle.standardError.write(Data("'\(name)' is none of the targets: \(names)\n".utf8))
        exit(64)
    }
    return target
}()

@_cdecl("LLVMFuzzerInitialize")
public func begin(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> CInt {
    _ = target
    guard let folder = ProcessInfo.processInfo.environment["SAKUIN_FUZZ_SEEDS"] else { return 0 }
    for (number, seed) in target.seeds().enumerated() {
        do {
            try Data(seed).write(to: URL(filePath: folder).appending(path: "seed-\(number)"))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(73)
        }
    }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    if let broken = target.run(UnsafeRawBufferPointer(start: start, count: count)) {
        FileHandle.standardError.write(Data("BROKEN \(target.name): \(broken)\n".utf8))
        abort()
    }
    return 0
}
