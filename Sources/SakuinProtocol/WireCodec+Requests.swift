public import SakuinTypes
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WireCodec {
    public static func encode(_ request: WireRequest) -> [UInt8] {
        if case .search(let index, let search) = request.call,
            let bytes = SearchRequestCodec.encode(
                index: index, search, deadlineMilliseconds: request.deadlineMilliseconds)
        {
            return bytes
        }
        var message = Sakuin_V1_Request()
        message.deadlineMilliseconds = request.deadlineMilliseconds
        switch request.call {
        case .createIndex(let name, let schema):
            message.createIndex = .with {
                $0.name = name
                if let schema { $0.schema = Data(schema.json().utf8) }
            }
        case .listIndexes: message.listIndexes = Sakuin_V1_ListIndexes()
        case .dropIndex(let name): message.dropIndex = .with { $0.name = name }
        case .reopenIndex(let name): message.reopenIndex = .with { $0.name = name }
        case .aliasIndex(let name, let target):
            message.aliasIndex = .with {
                $0.name = name
                $0.target = target
            }
        case .write(let index, let batch):
            message.write = .with {
                $0.index = index
                $0.batch = self.batch(batch)
                $0.acknowledge = acknowledgement(batch.acknowledge)
                $0.rejection = batch.rejection == .wholeBatch ? .wholeBatch : .eachOperation
            }
        case .deleteMatching(let index, let request): message.deleteMatching = deletion(index, request)
        case .search(let index, let request): message.search = search(index, request)
        case .get(let index, let keys, let moment):
            message.get = .with {
                $0.index = index
                $0.keys = keys.map { Data($0.utf8) }
                $0.minSequence = moment.minSequence
                $0.waitLimitMilliseconds = UInt32(clamping: moment.waitLimitMilliseconds)
                $0.pointInTime = moment.pointInTime ?? ""
            }
        case .refresh(let index): message.refresh = .with { $0.index = index }
        case .commit(let index): message.commit = .with { $0.index = index }
        case .statistics(let index): message.statistics = .with { $0.index = index }
        case .segments(let index): message.segments = .with { $0.index = index }
        case .compact(let index, let segments):
            message.compact = .with {
                $0.index = index
                $0.segments = UInt32(clamping: segments)
            }
        case .startCompaction(let index, let options):
            message.startCompaction = .with {
                $0.index = index
                $0.options = self.options(options)
            }
        case .estimateCompaction(let index, let options):
            message.estimateCompaction = .with {
                $0.index = index
                $0.options = self.options(options)
            }
        case .startCheck(let index, let bytesPerSecond):
            message.startCheck = .with {
                $0.index = index
                $0.bytesPerSecond = UInt64(clamping: bytesPerSecond ?? 0)
            }
        case .listJobs(let index): message.listJobs = .with { $0.index = index }
        case .controlJob(let index, let number, let action):
            message.controlJob = control(index, number, action)
        case .importStream(let index, let acknowledge, let rejection):
            message.import = .with {
                $0.index = index
                $0.acknowledge = acknowledgement(acknowledge)
                $0.rejection = rejection == .wholeBatch ? .wholeBatch : .eachOperation
            }
        case .export(let index, let token):
            message.export = .with {
                $0.index = index
                $0.pointInTime = token ?? ""
            }
        case .openPointInTime(let index, let lease, let moment):
            message.openPointInTime = .with {
                $0.index = index
                $0.leaseMilliseconds = UInt32(clamping: lease)
                $0.minSequence = moment.minSequence
                $0.waitLimitMilliseconds = UInt32(clamping: moment.waitLimitMilliseconds)
            }
        case .closePointInTime(let index, let token):
            message.closePointInTime = .with {
                $0.index = index
                $0.token = token
            }
        case .createSnapshot, .listSnapshots, .restoreSnapshot, .deleteSnapshot:
            message.call = snapshotCall(request.call)
        }
        return bytes(message)
    }

    public static func decodeRequest(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WireRequest {
        try RequestLimits.check(request: payload)
        if let request = SearchRequestCodec.decode(payload) { return request }
        return try decodeAnyRequest(payload)
    }

    /// The same by the protobuf library alone.
    static func decodeAnyRequest(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> WireRequest {
        let message = try decode(payload, as: Sakuin_V1_Request.self)
        guard let call = message.call else {
            throw .invalid("The request names no call this version knows.", field: "call")
        }
        return WireRequest(try self.call(call), deadlineMilliseconds: message.deadlineMilliseconds)
    }

    private static func call(_ call: Sakuin_V1_Request.OneOf_Call) throws(SakuinError) -> WireCall {
        switch call {
        case .createIndex(let m):
            let schema: Schema? = m.schema.isEmpty ? nil : try Schema(json: Array(m.schema))
            return .createIndex(name: m.name, schema: schema)
        case .listIndexes: return .listIndexes
        case .dropIndex(let m): return .dropIndex(name: m.name)
        case .reopenIndex(let m): return .reopenIndex(name: m.name)
        case .aliasIndex(let m): return .aliasIndex(name: m.name, target: m.target)
        case .write(let m):
            return .write(
                index: m.index,
                try writeBatch(m.batch, requestedLevel(m.acknowledge), rejection(m.rejection)))
        case .deleteMatching(let m): return .deleteMatching(index: m.index, try deletion(m))
        case .search(let m): return .search(index: m.index, try searchRequest(m))
        case .get(let m):
            var keys: [String] = []
            for key in m.keys { keys.append(try text(key, "keys")) }
            return .get(
                index: m.index, keys: keys,
                ReadMoment(
                    minSequence: m.minSequence, waitLimitMilliseconds: Int(m.waitLimitMilliseconds),
                    pointInTime: m.pointInTime.isEmpty ? nil : m.pointInTime))
        case .refresh(let m): return .refresh(index: m.index)
        case .commit(let m): return .commit(index: m.index)
        case .statistics(let m): return .statistics(index: m.index)
        case .segments(let m): return .segments(index: m.index)
        case .compact(let m): return .compact(index: m.index, segments: Int(m.segments))
        case .startCompaction(let m): return .startCompaction(index: m.index, options(m.options))
        case .estimateCompaction(let m): return .estimateCompaction(index: m.index, options(m.options))
        case .startCheck(let m): return .startCheck(index: m.index, bytesPerSecond: rate(m.bytesPerSecond))
        case .listJobs(let m): return .listJobs(index: m.index)
        case .controlJob(let m): return .controlJob(index: m.index, number: m.number, try action(m))
        case .import(let m):
            return .importStream(
                index: m.index, acknowledge: try requestedLevel(m.acknowledge), rejection: try rejection(m.rejection))
        case .export(let m): return .export(index: m.index, pointInTime: m.pointInTime.isEmpty ? nil : m.pointInTime)
        case .openPointInTime(let m):
            return .openPointInTime(
                index: m.index, leaseMilliseconds: Int(m.leaseMilliseconds),
                ReadMoment(minSequence: m.minSequence, waitLimitMilliseconds: Int(m.waitLimitMilliseconds)))
        case .closePointInTime(let m): return .closePointInTime(index: m.index, token: m.token)
        case .createSnapshot(let m):
            return .createSnapshot(index: m.index, name: m.name.isEmpty ? nil : m.name)
        case .listSnapshots(let m): return .listSnapshots(index: m.index.isEmpty ? nil : m.index)
        case .restoreSnapshot(let m):
            return .restoreSnapshot(index: m.index, name: m.name, newName: m.newName.isEmpty ? nil : m.newName)
        case .deleteSnapshot(let m): return .deleteSnapshot(index: m.index, name: m.name)
        }
    }

    // MARK: Writing

    static func acknowledgement(_ level: AcknowledgementLevel) -> Sakuin_V1_Acknowledgement {
        switch level {
        case .disk: .disk
        case .log: .log
        case .memory: .memory
        }
    }

    static func level(_ acknowledgement: Sakuin_V1_Acknowledgement) -> AcknowledgementLevel {
        switch acknowledgement {
        case .log: .log
        case .memory: .memory
        case .disk, .UNRECOGNIZED: .disk
        }
    }

    static func requestedLevel(
        _ acknowledgement: Sakuin_V1_Acknowledgement
    ) throws(SakuinError) -> AcknowledgementLevel {
        if case .UNRECOGNIZED(let value) = acknowledgement { throw unknown(value, of: "acknowledge") }
        return level(acknowledgement)
    }

    private static func rejection(_ policy: Sakuin_V1_Rejection) throws(SakuinError) -> RejectionPolicy {
        switch policy {
        case .wholeBatch: return .wholeBatch
        case .eachOperation: return .eachOperation
        case .UNRECOGNIZED(let value): throw unknown(value, of: "rejection")
        }
    }

    /// A choice that came later: to take another for it would answer what was not asked.
    static func unknown(_ value: Int, of field: String) -> SakuinError {
        .invalid("This version knows no such choice of '\(field)'.", field: field, value: value)
    }

    /// A batch of an import, for a DATA frame.
    public static func encode(_ operations: [WriteOperation], idempotencyKey: String? = nil) -> [UInt8] {
        bytes(batch(WriteBatch(operations, idempotencyKey: idempotencyKey)))
    }

    public static func decodeBatch(
        _ payload: UnsafeRawBufferPointer, acknowledge: AcknowledgementLevel, rejection: RejectionPolicy
    ) throws(SakuinError) -> WriteBatch {
        try RequestLimits.check(batch: payload)
        return try writeBatch(try decode(payload, as: Sakuin_V1_WriteBatch.self), acknowledge, rejection)
    }

    static func batch(_ batch: WriteBatch) -> Sakuin_V1_WriteBatch {
        var message = Sakuin_V1_WriteBatch()
        if let key = batch.idempotencyKey { message.idempotencyKey = Data(key.utf8) }
        if let keyField = plainKeyField(batch.operations) {
            message.keyField = keyField
            message.json = batch.operations.compactMap {
                if case .putJSON(let json, _) = $0 { Data(json) } else { nil }
            }
            return message
        }
        message.operations = batch.operations.map { operation in
            .with {
                switch operation {
                case .put(let document):
                    $0.put = .with {
                        $0.key = Data(document.key.utf8)
                        $0.json = Data(document.json())
                    }
                case .putJSON(let json, let keyField):
                    $0.put = .with {
                        $0.json = Data(json)
                        $0.keyField = keyField
                    }
                case .delete(let key): $0.delete = Data(key.utf8)
                }
            }
        }
        return message
    }

    /// The key field that all operations share when all are JSON puts.
    private static func plainKeyField(_ operations: [WriteOperation]) -> String? {
        guard case .putJSON(_, let keyField)? = operations.first else { return nil }
        for operation in operations {
            guard case .putJSON(_, keyField) = operation else { return nil }
        }
        return keyField
    }

    static func writeBatch(
        _ message: Sakuin_V1_WriteBatch, _ acknowledge: AcknowledgementLevel, _ rejection: RejectionPolicy
    ) throws(SakuinError) -> WriteBatch {
        var operations: [WriteOperation] = []
        operations.reserveCapacity(message.json.count + message.operations.count)
        if !message.json.isEmpty { try WriteBatch.check(keyField: message.keyField) }
        for json in message.json { operations.append(.putJSON(Array(json), keyField: message.keyField)) }
        for operation in message.operations {
            switch operation.operation {
            // With neither it is refused for its key.
            case .put(let put) where put.key.isEmpty && !put.keyField.isEmpty:
                operations.append(.putJSON(Array(put.json), keyField: put.keyField))
            case .put(let put):
                operations.append(
                    .put(try Document(json: Array(put.json), keyField: nil, key: try text(put.key, "key"))))
            case .delete(let key): operations.append(.delete(try text(key, "delete")))
            case nil: throw .invalid("An operation is neither put nor delete.", field: "operations")
            }
        }
        let key = message.idempotencyKey.isEmpty ? nil : try text(message.idempotencyKey, "idempotency_key")
        return WriteBatch(operations, acknowledge: acknowledge, rejection: rejection, idempotencyKey: key)
    }
}
