// Compactions and other jobs on the wire.

import SakuinTypes
import SwiftProtobuf

extension WireCodec {
    static func options(_ options: CompactionOptions) -> Sakuin_V1_CompactionOptions {
        .with {
            $0.segments = UInt32(clamping: options.segments)
            $0.onlyDeletes = options.onlyDeletes
            $0.bytesPerSecond = UInt64(clamping: options.bytesPerSecond ?? 0)
        }
    }

    static func options(_ m: Sakuin_V1_CompactionOptions) -> CompactionOptions {
        CompactionOptions(segments: Int(m.segments), onlyDeletes: m.onlyDeletes, bytesPerSecond: rate(m.bytesPerSecond))
    }

    static func rate(_ bytesPerSecond: UInt64) -> Int? {
        bytesPerSecond == 0 ? nil : Int(clamping: bytesPerSecond)
    }

    static func control(_ index: String, _ number: UInt64, _ action: JobAction) -> Sakuin_V1_ControlJob {
        .with {
            $0.index = index
            $0.number = number
            switch action {
            case .pause: $0.action = .pause
            case .resume: $0.action = .resume
            case .cancel: $0.action = .cancel
            case .throttle(let bytesPerSecond):
                $0.action = .throttle
                $0.bytesPerSecond = UInt64(clamping: bytesPerSecond ?? 0)
            }
        }
    }

    static func action(_ m: Sakuin_V1_ControlJob) throws(SakuinError) -> JobAction {
        switch m.action {
        case .pause: return .pause
        case .resume: return .resume
        case .cancel: return .cancel
        case .throttle: return .throttle(bytesPerSecond: rate(m.bytesPerSecond))
        case .unspecified, .UNRECOGNIZED:
            throw .invalid(
                "This version pauses, resumes, cancels and throttles jobs.", field: "action", value: m.action.rawValue)
        }
    }

    static func job(_ status: JobStatus) -> Sakuin_V1_Job {
        .with {
            $0.index = status.index
            $0.number = status.number
            $0.state = Sakuin_V1_JobState(rawValue: Int(status.state.rawValue)) ?? .queued
            $0.options = options(status.options)
            $0.bytesRead = UInt64(clamping: status.bytesRead)
            $0.bytesTotal = UInt64(clamping: status.bytesTotal)
            $0.bytesWritten = UInt64(clamping: status.bytesWritten)
            $0.bytesToWrite = UInt64(clamping: status.bytesToWrite)
            $0.segmentsBefore = UInt32(clamping: status.segmentsBefore)
            $0.segmentsAfter = UInt32(clamping: status.segmentsAfter)
            $0.bytesBefore = UInt64(clamping: status.bytesBefore)
            $0.bytesAfter = UInt64(clamping: status.bytesAfter)
            $0.deadBytesBefore = UInt64(clamping: status.deadBytesBefore)
            $0.deadBytesAfter = UInt64(clamping: status.deadBytesAfter)
            $0.milliseconds = UInt64(clamping: status.milliseconds)
            if let left = status.millisecondsLeft { $0.millisecondsLeft = UInt64(clamping: left) }
            $0.message = status.message
            if let error = status.error { $0.error = self.status(error) }
            $0.kind = Sakuin_V1_JobKind(rawValue: Int(status.kind.rawValue)) ?? .compaction
            if status.kind == .check { $0.findings = findings(status.findings) }
        }
    }

    private static func findings(_ findings: CheckFindings) -> Sakuin_V1_CheckFindings {
        .with {
            $0.segments = UInt32(clamping: findings.segments)
            $0.documents = UInt64(clamping: findings.documents)
            $0.terms = UInt64(clamping: findings.terms)
            $0.problems = findings.problems
            $0.untoldProblemCount = UInt64(clamping: findings.untoldProblemCount)
            $0.deletedDocuments = UInt64(clamping: findings.deletedDocuments)
        }
    }

    private static func findings(_ m: Sakuin_V1_CheckFindings) -> CheckFindings {
        var findings = CheckFindings()
        findings.segments = Int(m.segments)
        findings.documents = Int(clamping: m.documents)
        findings.terms = Int(clamping: m.terms)
        findings.problems = m.problems
        findings.untoldProblemCount = Int(clamping: m.untoldProblemCount)
        findings.deletedDocuments = Int(clamping: m.deletedDocuments)
        return findings
    }

    static func job(_ m: Sakuin_V1_Job) -> JobStatus {
        var status = JobStatus()
        status.index = m.index
        status.number = m.number
        status.state = JobState(rawValue: UInt8(clamping: m.state.rawValue)) ?? .queued
        status.options = options(m.options)
        status.bytesRead = Int(clamping: m.bytesRead)
        status.bytesTotal = Int(clamping: m.bytesTotal)
        status.bytesWritten = Int(clamping: m.bytesWritten)
        status.bytesToWrite = Int(clamping: m.bytesToWrite)
        status.segmentsBefore = Int(m.segmentsBefore)
        status.segmentsAfter = Int(m.segmentsAfter)
        status.bytesBefore = Int(clamping: m.bytesBefore)
        status.bytesAfter = Int(clamping: m.bytesAfter)
        status.deadBytesBefore = Int(clamping: m.deadBytesBefore)
        status.deadBytesAfter = Int(clamping: m.deadBytesAfter)
        status.milliseconds = Int(clamping: m.milliseconds)
        status.millisecondsLeft = m.hasMillisecondsLeft ? Int(clamping: m.millisecondsLeft) : nil
        status.message = m.message
        status.error = m.hasError ? error(m.error) : nil
        status.kind = JobKind(rawValue: UInt8(clamping: m.kind.rawValue)) ?? .compaction
        if m.hasFindings { status.findings = findings(m.findings) }
        return status
    }

    static func estimate(_ estimate: CompactionEstimate) -> Sakuin_V1_CompactionEstimate {
        .with {
            $0.segmentsBefore = UInt32(clamping: estimate.segmentsBefore)
            $0.segmentsAfter = UInt32(clamping: estimate.segmentsAfter)
            $0.bytesBefore = UInt64(clamping: estimate.bytesBefore)
            $0.bytesAfter = UInt64(clamping: estimate.bytesAfter)
            $0.bytesRead = UInt64(clamping: estimate.bytesRead)
            $0.bytesWritten = UInt64(clamping: estimate.bytesWritten)
            $0.deadDocuments = UInt64(clamping: estimate.deadDocuments)
            $0.freeBytes = UInt64(clamping: estimate.freeBytes)
            $0.milliseconds = UInt64(clamping: estimate.milliseconds)
            $0.bytesNeeded = UInt64(clamping: estimate.bytesNeeded)
            $0.memoryBytes = UInt64(clamping: estimate.memoryBytes)
            if let refusal = estimate.refusal { $0.refusal = status(refusal) }
        }
    }

    static func estimate(_ m: Sakuin_V1_CompactionEstimate) -> CompactionEstimate {
        var estimate = CompactionEstimate()
        estimate.segmentsBefore = Int(m.segmentsBefore)
        estimate.segmentsAfter = Int(m.segmentsAfter)
        estimate.bytesBefore = Int(clamping: m.bytesBefore)
        estimate.bytesAfter = Int(clamping: m.bytesAfter)
        estimate.bytesRead = Int(clamping: m.bytesRead)
        estimate.bytesWritten = Int(clamping: m.bytesWritten)
        estimate.deadDocuments = Int(clamping: m.deadDocuments)
        estimate.freeBytes = Int(clamping: m.freeBytes)
        estimate.milliseconds = Int(clamping: m.milliseconds)
        estimate.bytesNeeded = Int(clamping: m.bytesNeeded)
        estimate.memoryBytes = Int(clamping: m.memoryBytes)
        estimate.refusal = m.hasRefusal ? error(m.refusal) : nil
        return estimate
    }
}
