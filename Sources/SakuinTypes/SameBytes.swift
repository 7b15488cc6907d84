extension String {
    /// Whether both are the same bytes: `==` takes canonically equivalent strings for the same, which names and keys that
    /// come from documents, files and the wire are not.
    package func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
