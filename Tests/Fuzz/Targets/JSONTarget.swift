// JSON: documents, schemas, values.

import SakuinTypes

extension FuzzTarget {
    /// What is read can be written as JSON and read again, and is the same then.
    static let json = FuzzTarget(
        name: "json",
        seeds: {
            [
                #"{"id":"k","title":"国际\u6570\ud840\udc00","year":-12,"price":1.5e3,"on":true,"x":null}"#,
                #"{"id":7,"title":"a\n\"b\"","list":[1,{"a":[]}],"n":9223372036854775807}"#,
                #"{"fields":[{"name":"title","type":"text","breaks":"join","boost":2},{"name":"y","type":"date"}]}"#,
                #"[1,-0,1e400,"\u0000",{"":{}}]"#,
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            let text = Array(bytes)
            if let document = try? Document(json: text, keyField: "id") {
                guard let back = try? Document(json: document.json(keyField: "id"), keyField: "id") else {
                    return "\(document) cannot be read again"
                }
                if "\(document)" != "\(back)" { return "\(document) came back as \(back)" }
            }
            if let schema = try? Schema(json: text) {
                guard let back = try? Schema(json: Array(schema.json().utf8)), back == schema else {
                    return "\(schema) does not come back"
                }
            }
            if let value = try? JSONValue(parsing: text) {
                var writer = JSONWriter()
                writer.append(value)
                guard let back = try? JSONValue(parsing: writer.bytes), "\(back)" == "\(value)" else {
                    return "\(value) does not come back"
                }
            }
            return nil
        })
}
