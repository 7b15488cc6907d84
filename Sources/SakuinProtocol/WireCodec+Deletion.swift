// Deletion by query, its request and its reply.

import SakuinTypes
import SwiftProtobuf

extension WireCodec {
    static func deletion(_ index: String, _ request: DeletionRequest) -> Sakuin_V1_DeleteMatching {
        .with {
            $0.index = index
            $0.query = input(request.query)
            $0.fields = request.fields
            $0.mode = request.mode == .exact ? .exact : .smart
            if let filter = request.filter { $0.filter = input(filter) }
            $0.variants = request.variants.rawValue
            $0.acknowledge = acknowledgement(request.acknowledge)
            $0.dryRun = request.isDryRun
        }
    }

    static func deletion(_ m: Sakuin_V1_DeleteMatching) throws(SakuinError) -> DeletionRequest {
        guard m.hasQuery else { throw .invalid("A deletion needs a query.", field: "query") }
        var request = DeletionRequest(try input(m.query))
        request.fields = m.fields
        request.mode = try mode(m.mode)
        if m.hasFilter { request.filter = try input(m.filter) }
        request.variants = VariantFolding(rawValue: m.variants)
        try request.variants.check()
        request.acknowledge = try requestedLevel(m.acknowledge)
        request.isDryRun = m.dryRun
        return request
    }

    static func deletion(_ receipt: DeletionReceipt) -> Sakuin_V1_DeletionReceipt {
        .with {
            $0.matched = UInt64(clamping: receipt.matched)
            $0.deleted = UInt64(clamping: receipt.deleted)
            $0.skipped = UInt64(clamping: receipt.skipped)
            $0.sequence = receipt.sequence
            $0.level = acknowledgement(receipt.level)
            $0.notes = receipt.notes
        }
    }

    static func deletion(_ m: Sakuin_V1_DeletionReceipt) -> DeletionReceipt {
        DeletionReceipt(
            matched: Int(clamping: m.matched), deleted: Int(clamping: m.deleted), skipped: Int(clamping: m.skipped),
            sequence: m.sequence, level: level(m.level), notes: m.notes)
    }
}
