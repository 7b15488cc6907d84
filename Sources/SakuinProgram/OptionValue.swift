// Values of options that no command takes, said alike whichever way they are written.

public import SakuinTypes

public enum OptionValue {
    /// ArgumentParser takes a value that begins with '-' for an option, and says that the value is missing. Returns what is
    /// wrong with the value of the option that `message` says has none; nil when it has none.
    public static func explain(_ message: String, _ words: [String]) -> SakuinError? {
        let words = words.prefix { $0 != "--" }
        for (option, value) in zip(words, words.dropFirst()) {
            guard option.hasPrefix("--"), value.hasPrefix("-"), value.count > 1,
                message.hasPrefix("Missing value for '\(option) ")
            else { continue }
            let name = String(option.dropFirst(2))
            if Double(value) != nil { return negative(name, value) }
            // Another option stands there, so there is no value indeed.
            if value.hasPrefix("--") { return nil }
            return .invalid(
                "The value of \(option) begins with '-', as an option does.", field: name, value: value,
                nextStep: "Write \(option)=\(value).")
        }
        return nil
    }

    /// Of an option that counts something.
    public static func negative(_ name: String, _ value: some CustomStringConvertible) -> SakuinError {
        .invalid("--\(name) must not be negative.", field: name, value: value, nextStep: "Give a number from 0 on.")
    }
}
