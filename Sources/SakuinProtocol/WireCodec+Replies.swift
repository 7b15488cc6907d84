public import SakuinTypes
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WireCodec {
    public static func encode(_ reply: WireReply) -> [UInt8] {
        var message = Sakuin_V1_Reply()
        switch reply {
        case .done: break
        case .indexes(let indexes):
            message.indexList = .with {
                $0.indexes = indexes.map { index in
                    .with {
                        $0.name = index.name
                        $0.aliases = index.aliases
                        $0.documents = UInt64(clamping: index.documents)
                        $0.bytes = UInt64(clamping: index.bytes)
                        $0.problems = index.problems
                    }
                }
            }
        case .receipt(let receipt): message.write = self.receipt(receipt)
        case .deletion(let receipt): message.deletion = deletion(receipt)
        case .search(let response): return SearchReplyCodec.encode(response)
        case .documents(let fetched):
            message.documents = .with {
                $0.documents = fetched.documents.map(found)
                $0.missing = fetched.missing
            }
        case .sequence(let sequence): message.sequence = .with { $0.sequence = sequence }
        case .statistics(let statistics): message.statistics = self.statistics(statistics)
        case .segments(let segments): message.segments = .with { $0.segments = segments.map(segment) }
        case .compaction(let report):
            message.compaction = .with {
                $0.segmentsBefore = UInt32(clamping: report.segmentsBefore)
                $0.segmentsAfter = UInt32(clamping: report.segmentsAfter)
                $0.bytesBefore = UInt64(clamping: report.bytesBefore)
                $0.bytesAfter = UInt64(clamping: report.bytesAfter)
                $0.milliseconds = UInt64(clamping: report.milliseconds)
            }
        case .job(let status): message.job = job(status)
        case .jobs(let statuses): message.jobs = .with { $0.jobs = statuses.map(job) }
        case .estimate(let estimate): message.estimate = self.estimate(estimate)
        case .pointInTime(let point):
            message.pointInTime = .with {
                $0.token = point.token
                $0.sequence = point.sequence
                $0.leaseMilliseconds = UInt32(clamping: point.leaseMilliseconds)
            }
        case .snapshot(let listing): message.snapshot = snapshot(listing)
        case .snapshots(let listings): message.snapshotList = .with { $0.snapshots = listings.map(snapshot) }
        }
        return bytes(message)
    }

    public static func decodeReply(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WireReply {
        if let response = SearchReplyCodec.decode(payload) { return .search(response) }
        return try decodeAnyReply(payload)
    }

    /// The same by the protobuf library alone.
    static func decodeAnyReply(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WireReply {
        let message = try decode(payload, as: Sakuin_V1_Reply.self)
        switch message.result {
        case nil: return .done
        case .indexList(let m):
            return .indexes(
                m.indexes.map {
                    IndexListing(
                        name: $0.name, aliases: $0.aliases, documents: Int(clamping: $0.documents),
                        bytes: Int(clamping: $0.bytes), problems: $0.problems)
                })
        case .write(let m): return .receipt(receipt(m))
        case .deletion(let m): return .deletion(deletion(m))
        case .search(let m): return .search(try searchResponse(m))
        case .documents(let m): return .documents(FetchedDocuments(try documents(m.documents), missing: m.missing))
        case .sequence(let m): return .sequence(m.sequence)
        case .statistics(let m): return .statistics(try statistics(m))
        case .segments(let m): return .segments(m.segments.map(segment))
        case .compaction(let m):
            return .compaction(
                CompactionReport(
                    segmentsBefore: Int(m.segmentsBefore), segmentsAfter: Int(m.segmentsAfter),
                    bytesBefore: Int(clamping: m.bytesBefore), bytesAfter: Int(clamping: m.bytesAfter),
                    milliseconds: Int(clamping: m.milliseconds)))
        case .job(let m): return .job(job(m))
        case .jobs(let m): return .jobs(m.jobs.map(job))
        case .estimate(let m): return .estimate(estimate(m))
        case .pointInTime(let m):
            return .pointInTime(
                PointInTime(token: m.token, sequence: m.sequence, leaseMilliseconds: Int(m.leaseMilliseconds)))
        case .snapshot(let m): return .snapshot(snapshot(m))
        case .snapshotList(let m): return .snapshots(m.snapshots.map(snapshot))
        }
    }

    // MARK: Receipts

    /// The acknowledgement of a batch of an import, for a DATA frame.
    /// The receipt of a batch of an import, never empty, as a DATA frame must not be: that of a batch without operations in
    /// an index without writes says its sequence number, 0.
    public static func encode(_ receipt: WriteReceipt) -> [UInt8] {
        let bytes = bytes(self.receipt(receipt))
        return bytes.isEmpty ? [1 << 3, 0] : bytes
    }

    public static func decodeReceipt(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WriteReceipt {
        receipt(try decode(payload, as: Sakuin_V1_WriteReceipt.self))
    }

    private static func receipt(_ receipt: WriteReceipt) -> Sakuin_V1_WriteReceipt {
        .with {
            $0.sequence = receipt.sequence
            $0.level = acknowledgement(receipt.level)
            $0.applied = UInt32(clamping: receipt.applied)
            $0.isRepeat = receipt.isRepeat
            $0.rejections = receipt.rejections.map { rejection in
                .with {
                    $0.index = UInt32(clamping: rejection.index)
                    $0.error = status(rejection.error)
                }
            }
        }
    }

    private static func receipt(_ m: Sakuin_V1_WriteReceipt) -> WriteReceipt {
        WriteReceipt(
            sequence: m.sequence, level: level(m.level), applied: Int(m.applied),
            rejections: m.rejections.map { .init(index: Int($0.index), error: error($0.error)) },
            isRepeat: m.isRepeat)
    }

    // MARK: Hits

    private static func searchResponse(_ m: Sakuin_V1_SearchReply) throws(SakuinError) -> SearchResponse {
        var facets: [Facet] = []
        for facet in m.facets { facets.append(try self.facet(facet)) }
        var hits: [Hit] = []
        for hit in m.hits {
            let key = try text(hit.key, "key")
            let fields = hit.json.isEmpty ? [] : try Document(json: Array(hit.json), keyField: nil, key: key).fields
            let spans = hit.spans.map { field in
                FieldSpans(
                    field: field.field,
                    spans: stride(from: 0, to: field.offsets.count - 1, by: 2).map {
                        TextSpan(start: Int(field.offsets[$0]), end: Int(field.offsets[$0 + 1]))
                    })
            }
            hits.append(Hit(key: key, score: hit.score, fields: fields, spans: spans))
        }
        return SearchResponse(
            hits: hits, total: Total(Int(clamping: m.total), m.totalIsExact ? .exact : .atLeast), facets: facets,
            complete: m.complete, notes: m.notes, sequence: m.sequence, tookMicroseconds: m.tookMicroseconds)
    }

    // MARK: Documents

    /// A page of an export, for a DATA frame.
    public static func encode(_ page: WirePage) -> [UInt8] {
        bytes(
            Sakuin_V1_ExportPage.with {
                $0.documents = page.documents.map { found($0) }
                $0.missing = page.missing
            })
    }

    public static func decodePage(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WirePage {
        let message = try decode(payload, as: Sakuin_V1_ExportPage.self)
        return WirePage(try documents(message.documents).compactMap(\.self), missing: message.missing)
    }

    private static func found(_ document: Document?) -> Sakuin_V1_FoundDocument {
        .with {
            guard let document else { return }
            $0.found = true
            $0.key = Data(document.key.utf8)
            $0.json = Data(document.json())
        }
    }

    private static func documents(_ messages: [Sakuin_V1_FoundDocument]) throws(SakuinError) -> [Document?] {
        var documents: [Document?] = []
        for m in messages {
            documents.append(
                m.found ? try Document(json: Array(m.json), keyField: nil, key: try text(m.key, "key")) : nil)
        }
        return documents
    }

    // MARK: Status of an index

    private static func statistics(_ s: IndexStatistics) -> Sakuin_V1_IndexStatistics {
        .with {
            $0.name = s.name
            $0.documents = UInt64(clamping: s.documents)
            $0.deletedDocuments = UInt64(clamping: s.deletedDocuments)
            $0.pendingOperations = UInt64(clamping: s.pendingOperations)
            $0.segments = UInt64(clamping: s.segments)
            $0.bytes = UInt64(clamping: s.bytes)
            $0.journalBytes = UInt64(clamping: s.journalBytes)
            $0.textBytes = UInt64(clamping: s.textBytes)
            $0.memoryBytes = UInt64(clamping: s.memoryBytes)
            $0.sequence = s.sequence
            $0.visibleSequence = s.visibleSequence
            $0.committedSequence = s.committedSequence
            $0.generation = s.generation
            $0.runningMerges = UInt32(clamping: s.runningMerges)
            $0.mergeDebtBytes = UInt64(clamping: s.mergeDebtBytes)
            $0.flushedBytes = UInt64(clamping: s.flushedBytes)
            $0.mergedBytes = UInt64(clamping: s.mergedBytes)
            $0.memoryBudgetBytes = UInt64(clamping: s.memoryBudgetBytes)
            $0.diskFreeBytes = UInt64(clamping: s.diskFreeBytes)
            $0.slowness = s.slowness
            $0.openReaders = UInt32(clamping: s.openReaders)
            $0.heldBytes = UInt64(clamping: s.heldBytes)
            $0.deadBytes = UInt64(clamping: s.deadBytes)
            $0.quarantined = s.quarantined
            $0.schema = Data(s.schema.json().utf8)
        }
    }

    private static func statistics(_ m: Sakuin_V1_IndexStatistics) throws(SakuinError) -> IndexStatistics {
        var s = IndexStatistics()
        s.name = m.name
        s.documents = Int(clamping: m.documents)
        s.deletedDocuments = Int(clamping: m.deletedDocuments)
        s.pendingOperations = Int(clamping: m.pendingOperations)
        s.segments = Int(clamping: m.segments)
        s.bytes = Int(clamping: m.bytes)
        s.journalBytes = Int(clamping: m.journalBytes)
        s.textBytes = Int(clamping: m.textBytes)
        s.memoryBytes = Int(clamping: m.memoryBytes)
        s.sequence = m.sequence
        s.visibleSequence = m.visibleSequence
        s.committedSequence = m.committedSequence
        s.generation = m.generation
        s.runningMerges = Int(m.runningMerges)
        s.mergeDebtBytes = Int(clamping: m.mergeDebtBytes)
        s.flushedBytes = Int(clamping: m.flushedBytes)
        s.mergedBytes = Int(clamping: m.mergedBytes)
        s.memoryBudgetBytes = Int(clamping: m.memoryBudgetBytes)
        s.diskFreeBytes = Int(clamping: m.diskFreeBytes)
        s.slowness = m.slowness
        s.openReaders = Int(m.openReaders)
        s.heldBytes = Int(clamping: m.heldBytes)
        s.deadBytes = Int(clamping: m.deadBytes)
        s.quarantined = m.quarantined
        s.schema = try Schema(json: Array(m.schema))
        return s
    }

    private static func segment(_ s: SegmentStatistics) -> Sakuin_V1_SegmentStatistics {
        .with {
            $0.file = s.file
            $0.formatVersion = UInt32(clamping: s.formatVersion)
            $0.documents = UInt64(clamping: s.documents)
            $0.deletedDocuments = UInt64(clamping: s.deletedDocuments)
            $0.bytes = UInt64(clamping: s.bytes)
            $0.committed = s.committed
            $0.sections = s.sections.map { section in
                .with {
                    $0.name = section.name
                    $0.bytes = UInt64(clamping: section.bytes)
                }
            }
        }
    }

    private static func segment(_ m: Sakuin_V1_SegmentStatistics) -> SegmentStatistics {
        SegmentStatistics(
            file: m.file, formatVersion: Int(m.formatVersion), documents: Int(clamping: m.documents),
            deletedDocuments: Int(clamping: m.deletedDocuments), bytes: Int(clamping: m.bytes),
            committed: m.committed,
            sections: m.sections.map { .init(name: $0.name, bytes: Int(clamping: $0.bytes)) })
    }
}
