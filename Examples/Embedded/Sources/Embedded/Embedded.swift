// An app with search inside: puts documents, searches, shows what matched.
// `swift run Embedded` works in a folder of its own; `swift run Embedded 127.0.0.1:7705` runs the same code on a server.
import Foundation
import SakuinClient
import SakuinEngine

@main
struct Embedded {
    static func main() async throws {
        if CommandLine.arguments.count > 1 {
            let client = SakuinClient(try SakuinClient.Configuration(server: CommandLine.arguments[1]))
            do {
                try await client.create(index: "embedded", schema: .standard)
            } catch let error as SakuinError where error.code == .alreadyExists {}
            try await use(try await client.index("embedded"))
            await client.close()
        } else {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-embedded").path
            let index = try SearchIndex.open(path: folder, schema: .standard)
            try await use(index)
            try index.close()
        }
    }

    /// The same calls for an index in this process and for one on a server.
    static func use(_ index: any SearchService) async throws {
        let receipt = try await index.write(
            WriteBatch([
                .put(Document(key: "1", ["title": "数字经济论坛", "body": "依托5G网\n络的远程检修已经落地。"])),
                .put(Document(key: "2", ["title": "国際会議", "body": "日本語の分かち書きに頼らない検索。"])),
                .put(Document(key: "3", ["title": "학술대회", "body": "한국어와 중국어, 일본어 검색 기술"])),
            ]))

        for text in ["5G网络", "検索", "검색 기술"] {
            var request = SearchRequest(text)
            request.spans = true
            request.returnFields = .all
            // Read what was just written, from any connection.
            request.minSequence = receipt.sequence
            let response = try await index.search(request)
            print("\(text): \(response.total.value) documents")
            for hit in response.hits { show(hit) }
        }
    }

    static func show(_ hit: Hit) {
        print("  \(hit.key)  \(hit.fields.first { $0.name == "title" }?.value.text ?? "")")
        for found in hit.spans {
            guard let text = hit.fields.first(where: { $0.name == found.field })?.value.text else { continue }
            let bytes = Array(text.utf8)
            var marked = ""
            var at = 0
            for span in found.spans {
                marked += String(decoding: bytes[at..<span.start], as: UTF8.self)
                marked += "[" + String(decoding: bytes[span.start..<span.end], as: UTF8.self) + "]"
                at = span.end
            }
            print("     \(found.field): \(marked + String(decoding: bytes[at...], as: UTF8.self))")
        }
    }
}
