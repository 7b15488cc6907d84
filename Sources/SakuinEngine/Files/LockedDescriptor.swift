import Synchronization

/// A file descriptor that is closed once, by whichever thread comes first.
final class LockedDescriptor: Sendable {
    private let descriptor: Atomic<Int32>

    init(_ descriptor: Int32) { self.descriptor = Atomic(descriptor) }

    func close() {
        let open = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
        if open >= 0 { _ = SystemCall.closeDescriptor(open) }
    }
}
