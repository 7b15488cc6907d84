import SakuinTypes
import SwiftProtobuf

extension WireCodec {
    /// The message of a call about snapshots; nil for any other call.
    static func snapshotCall(_ call: WireCall) -> Sakuin_V1_Request.OneOf_Call? {
        switch call {
        case .createSnapshot(let index, let name):
            .createSnapshot(
                .with {
                    $0.index = index
                    $0.name = name ?? ""
                })
        case .listSnapshots(let index): .listSnapshots(.with { $0.index = index ?? "" })
        case .restoreSnapshot(let index, let name, let newName):
            .restoreSnapshot(
                .with {
                    $0.index = index
                    $0.name = name
                    $0.newName = newName ?? ""
                })
        case .deleteSnapshot(let index, let name):
            .deleteSnapshot(
                .with {
                    $0.index = index
                    $0.name = name
                })
        default: nil
        }
    }

    static func snapshot(_ listing: SnapshotListing) -> Sakuin_V1_SnapshotListing {
        .with {
            $0.index = listing.index
            $0.name = listing.name
            $0.created = listing.created
            $0.version = listing.version
            $0.documents = UInt64(clamping: listing.documents)
            $0.bytes = UInt64(clamping: listing.bytes)
            $0.ownBytes = UInt64(clamping: listing.ownBytes)
            $0.sequence = listing.sequence
            $0.generation = listing.generation
            if let problem = listing.problem { $0.problem = problem }
        }
    }

    static func snapshot(_ m: Sakuin_V1_SnapshotListing) -> SnapshotListing {
        SnapshotListing(
            index: m.index, name: m.name, created: m.created, version: m.version, documents: Int(clamping: m.documents),
            bytes: Int(clamping: m.bytes), ownBytes: Int(clamping: m.ownBytes), sequence: m.sequence,
            generation: m.generation, problem: m.hasProblem ? m.problem : nil)
    }
}
