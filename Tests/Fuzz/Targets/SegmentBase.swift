// The sound segments that inputs of the target `segments` change.

import Foundation
import SakuinTypes

@testable import SakuinEngine

/// A sound segment.
struct SegmentBase: Sendable {
    let registry: FieldRegistry
    let bytes: [UInt8]
    /// Another one of the same fields, to be merged with.
    let beside: [UInt8]

    /// Of each origin four.
    static let shapeCount = 4
    /// Short lists and long ones, with positions and with links; with these a field that takes several values too.
    private static let shapes = [(8, false), (160, false), (8, true), (160, true)]

    /// As refreshes write them; as merges do, with a table of symbols and a dictionary; of formats that are only read.
    static let all: [SegmentBase] = {
        let pairs = shapes.compactMap { count, isCompact -> (plain: SegmentBase, coded: SegmentBase)? in
            var schema = FuzzIndex.schema
            schema.compact = isCompact
            var documents = FuzzIndex.documents(count)
            if isCompact {
                schema.fields.append(FuzzIndex.tags)
                documents = FuzzIndex.tagged(documents)
            }
            let registry = FuzzIndex.registry(schema)
            guard let plain = try? FuzzIndex.directory(documents, registry)?.read(FuzzIndex.file),
                let coded = coded(documents, registry)
            else { return nil }
            return (
                SegmentBase(registry: registry, bytes: plain, beside: coded),
                SegmentBase(registry: registry, bytes: coded, beside: plain)
            )
        }
        return pairs.map(\.plain) + pairs.map(\.coded) + ["v3", "v6-long", "v7-long", "v8-long"].compactMap(golden)
    }()

    /// What a merge makes of so many documents and of enough dead ones that a code is worth its place.
    private static func coded(_ living: [Document], _ registry: FieldRegistry) -> [UInt8]? {
        var state: UInt64 = 11
        func character() -> UInt32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(state &>> 40) % 600
        }
        let told = living.prefix(40).compactMap { document -> String? in
            guard case .string(let text)? = document["body"] else { return nil }
            return text
        }
        let rare = String(
            String.UnicodeScalarView((0..<30_000).compactMap { _ in Unicode.Scalar(0x4E00 + character()) }))
        let others = (0..<12).map { number in
            let text = rare + String(repeating: told.joined(separator: "。"), count: 8)
            return Document(key: "dead\(number)", fields: [.init("body", .string(text))])
        }
        // Grams of the dead are not worth looking for.
        let plain = FieldRegistry(schema: registry.schema, names: registry.names)
        guard let directory = FuzzIndex.directory(living + others, plain),
            let reader = try? SegmentReader(directory, FuzzIndex.file)
        else { return nil }
        let all = living.count + others.count
        let live = LiveDocuments(documentCount: all, dead: (living.count..<all).map { UInt32($0) })
        let merger = SegmentMerger(
            [MergeInput(reader, live: live, firstDocument: 0)], registry, directory: directory, MergeControl(),
            MemoryShares(64 << 20))
        let (id, file) = (UInt64(2), FileName.segment(2))
        guard (try? merger.run(id: id)) != nil,
            let merged = try? SegmentReader(directory, file), merged.documents.hasDictionary
        else { return nil }
        return try? directory.read(file)
    }

    /// A segment of a golden folder, with the columns that queries name beside its own fields.
    private static func golden(_ name: String) -> SegmentBase? {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Golden/\(name)")
        func content(_ suffix: String) -> [UInt8]? {
            let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            return files?.first { $0.lastPathComponent.hasSuffix(suffix) }.flatMap { try? Array(Data(contentsOf: $0)) }
        }
        guard let bytes = content(".seg"), let manifest = content(".mft"),
            let read = manifest.withUnsafeBytes({ try? Manifest(decoding: $0, file: "manifest") }),
            var schema = try? Schema(json: read.schema)
        else { return nil }
        schema.fields += FuzzIndex.schema.fields.filter { field in
            field.type != .text && !schema.fields.contains { $0.name == field.name }
        }
        return SegmentBase(registry: FuzzIndex.registry(schema), bytes: bytes, beside: bytes)
    }
}
