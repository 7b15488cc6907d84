import CoreMetrics

/// Counters and timers of the server, through swift-metrics.
struct ServerMetrics: Sendable {
    let connections = Counter(label: "sakuin_connections_total")
    let requests = Counter(label: "sakuin_requests_total")
    let refused = Counter(label: "sakuin_requests_refused_total")
    let errors = Counter(label: "sakuin_errors_total")
    let unauthenticated = Counter(label: "sakuin_handshakes_unauthenticated_total")
    let failedTLS = Counter(label: "sakuin_handshakes_tls_failed_total")
    let denied = Counter(label: "sakuin_requests_denied_total")
    let breaches = Counter(label: "sakuin_protocol_breaches_total")
    /// Bytes that frames in and out would have been longer without compression.
    let savedBytes = Counter(label: "sakuin_compression_saved_bytes_total")
    let importedBatches = Counter(label: "sakuin_imported_batches_total")
    let searchTime = Timer(label: "sakuin_search_seconds")
}
