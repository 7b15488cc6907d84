import CoreMetrics

/// Counters and timers of the server, through swift-metrics.
struct ServerMetrics: Sendable {
    let connections: Counter
    let requests: Counter
    let refused: Counter
    let errors: Counter
    let unauthenticated: Counter
    let failedTLS: Counter
    let denied: Counter
    let breaches: Counter
    /// Bytes that frames in and out would have been longer without compression.
    let savedBytes: Counter
    let importedBatches: Counter
    let searchTime: Timer

    /// They are told to `factory`, that of the process unless another is named.
    init(factory: any MetricsFactory = MetricsSystem.factory) {
        func counter(_ name: String) -> Counter { Counter(label: name, factory: factory) }
        connections = counter("sakuin_connections_total")
        requests = counter("sakuin_requests_total")
        refused = counter("sakuin_requests_refused_total")
        errors = counter("sakuin_errors_total")
        unauthenticated = counter("sakuin_handshakes_unauthenticated_total")
        failedTLS = counter("sakuin_handshakes_tls_failed_total")
        denied = counter("sakuin_requests_denied_total")
        breaches = counter("sakuin_protocol_breaches_total")
        savedBytes = counter("sakuin_compression_saved_bytes_total")
        importedBatches = counter("sakuin_imported_batches_total")
        searchTime = Timer(label: "sakuin_search_seconds", factory: factory)
    }
}
