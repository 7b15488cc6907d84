// What the daemon is told: flags over the configuration file over the defaults.

import ArgumentParser
import Foundation
import SakuinEngine
import Testing

@testable import SakuinDaemon

@Suite struct DaemonConfigurationTests {
    private func read(_ json: String) throws -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        try configuration.read(json: Array(json.utf8))
        return configuration
    }

    private func error(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test func theFileSaysWhatTheEngineIsTold() throws {
        let told = try read(
            #"{"data":"/d","listen":"[::1]:0","memory-mb":96,"lanes":3,"refresh-ms":0,"refresh-mb":7,"journal-mb":5,"log-level":"debug"}"#
        )
        let engine = try told.engineOptions(cores: 16)
        #expect(engine.memoryBudgetBytes == 96 << 20 && engine.laneCount == 3)
        #expect(engine.refreshIntervalMilliseconds == 0 && engine.refreshByteCount == 7 << 20)
        #expect(engine.journalByteCountMax == 5 << 20)
        #expect(throws: Never.self) { try engine.validate() }
        #expect(told.data == "/d" && told.logLevel == "debug")
        #expect(try told.addresses() == [.tcp(host: "::1", port: 0)])
        #expect(try read("{}").addresses() == [.standard])
        let both = try read(#"{"listen":["127.0.0.1:0","unix:/run/s"]}"#)
        #expect(try both.addresses() == [.tcp(host: "127.0.0.1", port: 0), .unix(path: "/run/s")])
        let plain = try read("{}").engineOptions(cores: 2)
        #expect(plain.memoryBudgetBytes == 384 << 20 && plain.refreshIntervalMilliseconds == 200)
        #expect(plain.laneCount == 2 && plain.refreshByteCount == 0 && plain.journalByteCountMax == 8 << 20)
        // With little memory there are few lanes.
        #expect(try read(#"{"memory-mb":64}"#).engineOptions(cores: 16).laneCount == 1)
    }

    /// Half of the files that may be open are for connections.
    @Test func connectionsAreBoundedByOpenFiles() throws {
        #expect(try read("{}").connectionCountMax(fileCountMax: 1 << 20) == 1_024)
        #expect(try read("{}").connectionCountMax(fileCountMax: 256) == 128)
        let told = try read(#"{"connections":5000}"#)
        #expect(try told.connectionCountMax(fileCountMax: 10_000) == 5_000)
        let refused = error { _ = try told.connectionCountMax(fileCountMax: 9_999) }
        #expect(refused?.field == "connections" && refused?.limit == "4999" && refused?.value == "5000")
        #expect(error { _ = try read(#"{"connections":0}"#).connectionCountMax(fileCountMax: 9) }?.limit == "1")
    }

    @Test func whatCannotBeIsRefusedByName() throws {
        for (json, field) in [
            (#"{"memory":1}"#, "memory"), (#"{"lanes":1,"lanes":2}"#, "lanes"), (#"{"refresh-ms":"1"}"#, "refresh-ms"),
            ("[]", "config"),
        ] {
            let refused = error { _ = try read(json) }
            #expect(refused?.code == .invalidArgument && refused?.field == field, "\(json)")
        }
        for (json, field) in [
            (#"{"memory-mb":63}"#, "memory-mb"), (#"{"memory-mb":1073741825}"#, "memory-mb"),
            (#"{"refresh-ms":-5}"#, "refresh-ms"), (#"{"lanes":100000}"#, "lanes"),
            (#"{"refresh-mb":-1}"#, "refresh-mb"),
            (#"{"lanes":-1}"#, "lanes"), (#"{"journal-mb":0}"#, "journal-mb"),
            (#"{"journal-mb":1048577}"#, "journal-mb"),
        ] {
            let refused = error { _ = try read(json).engineOptions(cores: 1) }
            #expect(refused?.code == .invalidArgument && refused?.field == field, "\(json)")
        }
        for json in [#"{"listen":"x"}"#, #"{"listen":[]}"#, #"{"listen":["127.0.0.1:0","unix:"]}"#, #"{"listen":[1]}"#]
        {
            #expect(error { _ = try read(json).addresses() }?.field == "listen", "\(json)")
        }
        #expect(error { _ = try read(#"{"metrics":"unix:/m"}"#).metricsAddress() }?.field == "metrics")
    }

    @Test func errorsNameTheFile() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        for (text, field) in [(#"{"lanes":1"#, "json"), (#"{"lane":1}"#, "lane")] {
            try text.write(to: file, atomically: true, encoding: .utf8)
            let told = try #require(error { _ = try SakuinDaemon.parse(["--config", file.path]).options() })
            #expect(told.field == field && told.message.contains(file.path), "\(told)")
            #expect(told.nextStep?.contains("document") != true, "\(told)")
        }
        try ("\u{FEFF}" + #"{"lanes":7}"#).write(to: file, atomically: true, encoding: .utf8)
        #expect(try SakuinDaemon.parse(["--config", file.path]).options().lanes == 7)
    }

    @Test func compressionCanBeRefused() throws {
        #expect(try read("{}").compression && !(try read(#"{"compression":false}"#).compression))
        #expect(error { _ = try read(#"{"compression":0}"#) }?.field == "compression")
        #expect(try !SakuinDaemon.parse(["--no-compression"]).options().compression)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try #"{"compression":false}"#.write(to: file, atomically: true, encoding: .utf8)
        #expect(try !SakuinDaemon.parse(["--config", file.path]).options().compression)
        #expect(try SakuinDaemon.parse(["--config", file.path, "--compression"]).options().compression)
    }

    @Test func flagsWin() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try #"{"memory-mb":128,"refresh-ms":9,"refresh-mb":2,"journal-mb":3,"data":"/file"}"#.write(
            to: file, atomically: true, encoding: .utf8)
        let daemon = try SakuinDaemon.parse([
            "--config", file.path, "--memory-mb", "64", "--refresh-mb", "4", "--journal-mb", "6",
        ])
        let options = try daemon.options()
        let engine = try options.engineOptions(cores: 1)
        #expect(engine.memoryBudgetBytes == 64 << 20 && engine.refreshIntervalMilliseconds == 9)
        #expect(engine.refreshByteCount == 4 << 20 && engine.journalByteCountMax == 6 << 20)
        #expect(options.data == "/file")
        let missing = try SakuinDaemon.parse(["--config", "/nowhere"])
        #expect(error { _ = try missing.options() }?.field == "config")
    }
}
