// Files named on the command line that are read whole.

import Foundation
import SakuinClient

enum InputFile {
    /// The bytes without a byte order mark; of a pipe those until it is closed. Standard input for `-`.
    static func read(_ path: String, field: String) throws(SakuinError) -> [UInt8] {
        let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
        guard let handle, let data = try? handle.readToEnd() ?? Data() else {
            throw SakuinError(.notFound, "\(path) cannot be read.", field: field, value: path)
        }
        return ByteOrderMark.without([UInt8](data))
    }

    /// The schema in a file; errors name the file.
    static func schema(_ path: String) throws(SakuinError) -> Schema {
        let bytes = try read(path, field: "schema")
        do throws(SakuinError) {
            let schema = try Schema(json: bytes)
            try schema.validateNew()
            return schema
        } catch {
            throw error.inFile(path, nextStep: "A schema is one JSON object: {\"fields\": […]}.")
        }
    }
}
